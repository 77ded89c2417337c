/** The fenced blocks of a page, told apart by their languages. Reads text alone, and runs nothing. */

/** A command line or several, which the reader of a page pastes into a terminal. */
export interface ShellBlock {
  kind: "shell";
  /** Where its fence stands, from 1. */
  line: number;
  text: string;
  /** What the block right behind it says that it prints; `…` stands for anything within a line. */
  output?: string;
}

/** A file that the reader saves: a block that begins with a comment which is its name. */
export interface FileBlock {
  kind: "file";
  line: number;
  text: string;
  /** A name in the reader's folder, or an absolute path. */
  name: string;
}

/** Languages that a fence may name. What is none of a shell is not run. */
const SHELL: readonly string[] = ["sh", "shell", "bash"];
const FILES: readonly string[] = ["acl", "ini", "json", "nft", "ssh-config", "toml"];
const SHOWN: readonly string[] = ["ebnf", "hex", "text", "ts"];

/** In the order of the page. Throws, with the line, where a fence is not closed or names no language that is known. */
export function blocksOf(page: string): (ShellBlock | FileBlock)[] {
  const lines = page.split("\n");
  const blocks: (ShellBlock | FileBlock)[] = [];
  /** The line behind the shell block that came last: only there its output may stand. */
  let behind = -1;
  for (let i = 0; i < lines.length; i++) {
    const [, info] = /^\s*```(.*)$/.exec(lines[i]!) ?? [];
    if (info === undefined) continue;
    const line = i + 1;
    const end = lines.findIndex((text, j) => j > i && /^\s*```\s*$/.test(text));
    if (end === -1) throw new Error(`line ${line}: a block without an end`);
    const text = lines
      .slice(line, end)
      .map((each) => `${each}\n`)
      .join("");
    const language = info.split(" ")[0]!;
    const last = blocks.at(-1);
    if (SHELL.includes(language)) {
      blocks.push({ kind: "shell", line, text });
    } else if (FILES.includes(language)) {
      const [, name] = /^# ([\w~./@-]+\.\w+|[\w~./@-]*\/[\w.@-]+)(?:[;:,] .*)?\n/.exec(text) ?? [];
      if (name !== undefined) blocks.push({ kind: "file", line, text, name });
    } else if (!SHOWN.includes(language)) {
      throw new Error(`line ${line}: a block of ${language === "" ? "no language" : `the language "${language}"`}`);
    } else if (language === "text" && last?.kind === "shell" && isNext(lines, behind, i)) {
      last.output = text;
    }
    if (SHELL.includes(language)) behind = end + 1;
    i = end;
  }
  return blocks;
}

function isNext(lines: readonly string[], from: number, to: number): boolean {
  return lines.slice(from, to).every((text) => text.trim() === "");
}

/** Whether `printed` is what the page says; `…` is any part of a line, and a line that is only `…` any lines. */
export function prints(printed: string, said: string): boolean {
  const pattern = said
    .trimEnd()
    .split("\n")
    .map((line) => (line === "…" ? "(?:.*\\n)*?.*" : line.split("…").map(RegExp.escape).join(".*")))
    .join("\\n");
  return new RegExp(`^${pattern}$`).test(printed.trimEnd());
}

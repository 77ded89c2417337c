/** A page of documentation taken apart: rows of tables under their headings, blocks, spans of code. Judges nothing. */

/** A row of a table whose first column is of another program and whose second one is portail's. */
export interface Row {
  /** Commands of portail that the nearest heading which has some names, each as words behind `portail`. */
  readonly commands: readonly string[][];
  readonly heading: string;
  readonly theirs: string;
  readonly ours: string;
}

export interface Block {
  readonly language: string;
  readonly text: string;
}

const FENCE = /^```(\w*)[^\n]*\n([\s\S]*?)^```$/gm;

/** Rows of all tables whose second heading is `portail`, in order. */
export function rowsOf(markdown: string): Row[] {
  const rows: Row[] = [];
  let heading = "";
  let commands: string[][] = [];
  let inTable = false;
  for (const line of markdown.replaceAll(FENCE, "").split("\n")) {
    if (line.startsWith("#")) {
      heading = line.replace(/^#+ /, "");
      const named = commandsIn(heading);
      if (named.length > 0) commands = named;
    }
    if (!line.startsWith("|")) {
      inTable = false;
      continue;
    }
    const [, theirs = "", ours = ""] = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    if (ours === "portail") inTable = true;
    else if (inTable && !/^-+$/.test(ours)) rows.push({ commands, heading, theirs, ours });
  }
  return rows;
}

export function blocksOf(markdown: string): Block[] {
  return Array.from(markdown.matchAll(FENCE), ([, language, text]) => ({ language: language!, text: text! }));
}

/** What stands in backticks, with `\|` of tables as it is meant. Blocks are left out. */
export function spansOf(markdown: string): string[] {
  return Array.from(markdown.replaceAll(FENCE, "").matchAll(/`([^`\n]+)`/g), ([, text]) =>
    text!.replaceAll("\\|", "|"),
  );
}

/** Names that a span of another program gives: `--name=VALUE` is `--name`, `key = value` is `key`. */
export function nameOf(span: string): string {
  return /^-{0,2}[^\s=[]+/.exec(span)?.[0] ?? span;
}

function commandsIn(heading: string): string[][] {
  return spansOf(heading)
    .filter((span) => span.startsWith("portail "))
    .map((span) => span.split(" ").slice(1));
}

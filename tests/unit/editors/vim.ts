/** A real vim asked for the syntax group of every byte of files. Not a test. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ROOT } from "./oracle.ts";

/** Opens each file as a user does, so that ftdetect has its say, and writes group names, a line of JSON for each of the file. */
const SCRIPT = `
set nocompatible encoding=utf-8 nomodeline noswapfile viminfo=
set runtimepath=$RUNTIME,$VIMRUNTIME
filetype plugin on
syntax on
for file in readfile($LIST)
  execute "edit " . fnameescape(file)
  let rows = [&filetype]
  for row in range(1, line("$"))
    call add(rows, json_encode(map(range(1, len(getline(row))), {_, column -> synIDattr(synID(g:row, column, 1), "name")})))
  endfor
  call writefile(rows, file . ".out")
endfor
qall!
`;

export interface Coloured {
  filetype: string;
  /** The syntax group of each character, empty where there is none; a line break has none. */
  groups: string[];
}

/** Colours all texts in one run of vim. Throws, with what vim said, if it does not get to the end. */
export function colour(texts: readonly string[]): Coloured[] {
  const folder = mkdtempSync(join(tmpdir(), "portail-vim-"));
  try {
    const files = texts.map((text, i) => {
      const file = join(folder, `${i}.acl`);
      writeFileSync(file, text);
      return file;
    });
    writeFileSync(join(folder, "list"), `${files.join("\n")}\n`);
    writeFileSync(join(folder, "script.vim"), SCRIPT);
    const vim = Bun.spawnSync(
      ["vim", "-u", "NONE", "-i", "NONE", "-T", "dumb", "-es", "-S", join(folder, "script.vim")],
      {
        env: {
          PATH: process.env["PATH"] ?? "",
          LC_ALL: "C.UTF-8",
          HOME: folder,
          LIST: join(folder, "list"),
          RUNTIME: resolve(ROOT, "editors/vim"),
        },
        stdin: "ignore",
        timeout: 60_000,
      },
    );
    if (vim.exitCode !== 0) throw new Error(`vim ended with ${vim.exitCode}: ${vim.stdout}${vim.stderr}`);
    return texts.map((text, i) => read(readFileSync(`${files[i]}.out`, "utf8"), text));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** vim counts bytes, we count UTF-16 units. */
function read(output: string, text: string): Coloured {
  const [filetype, ...rows] = output.split("\n");
  const groups: string[] = [];
  for (const [row, line] of text.split("\n").entries()) {
    const names = rows[row] === undefined || rows[row] === "" ? [] : (JSON.parse(rows[row]) as string[]);
    let byte = 0;
    for (const point of line) {
      for (let unit = 0; unit < point.length; unit++) groups.push(names[byte] ?? "");
      byte += Buffer.byteLength(point);
    }
    groups.push("");
  }
  return { filetype: filetype!, groups };
}

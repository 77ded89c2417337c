/** `npm run gen`: writes what is committed and printed from the definitions: man pages and help. Completion scripts ask the program. */

import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command, Group } from "../lib/command/define.ts";
import { root } from "./commands.ts";
import { commandHelp, groupHelp, type HelpStyle } from "./help.ts";
import { manPages } from "./man.ts";
import { summaries } from "./tree.ts";

const FOLDER = resolve(import.meta.dir, "../completions");
const PAGES = "man/man1";
const STYLE: HelpStyle = { width: 80, color: false };

/** Texts by path under completions/. */
export async function generated(tree: Group): Promise<Map<string, string>> {
  const pages = [...(await manPages(tree))].map(([name, text]) => [`${PAGES}/${name}`, text] as const);
  return new Map([...pages, ["help.txt", (await helpTexts([tree.meta.name], tree)).join("\n")]]);
}

/** The help of `node` and of all below, each under its command line. */
async function helpTexts(path: readonly string[], node: Command | Group): Promise<string[]> {
  const members = await summaries(node);
  const help = node.kind === "group" ? groupHelp(path, node, members, STYLE) : commandHelp(path, node, STYLE, members);
  const below = Object.entries(node.commands ?? {}).map(async ([name, load]) =>
    helpTexts([...path, name], await load()),
  );
  return [`$ ${path.join(" ")} --help\n${help}`, ...(await Promise.all(below)).flat()];
}

if (import.meta.main) {
  const texts = await generated(root);
  mkdirSync(join(FOLDER, PAGES), { recursive: true });
  for (const name of readdirSync(join(FOLDER, PAGES)))
    if (!texts.has(`${PAGES}/${name}`)) rmSync(join(FOLDER, PAGES, name));
  for (const [path, text] of texts) writeFileSync(join(FOLDER, path), text);
  process.stderr.write(`portail: wrote ${texts.size} files under completions\n`);
}

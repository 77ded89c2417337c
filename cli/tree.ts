/** Walks the command tree by the first words of argv. Imports only the modules on the way; reads no flags of leaves. */

import { flagWords, unknownFlag, usage } from "../lib/command/argv.ts";
import type { ArgDefinitions, Command, Group } from "../lib/command/define.ts";
import { nearest } from "../lib/command/nearest.ts";
import { helpHint } from "./help.ts";

/** What every group takes. */
export const GROUP_FLAGS = {
  help: { type: "boolean", alias: "h", description: "Show help" },
  version: { type: "boolean", alias: "V", description: "Show the version" },
  verbose: { type: "boolean", description: "With --version, the runtime's version too" },
} as const satisfies ArgDefinitions;

export interface Place {
  /** All words that led here, `portail` first. */
  path: string[];
  node: Command | Group;
  /** What of argv is left. */
  rest: string[];
}

/**
 * Goes down from `root` while words name members, and stops at a leaf, a flag or the end; a command that has members and
 * takes words of its own stops at any other word as well. Flags that a group lets stand in
 * front of its members' words (`early`) come first in the rest.
 * Throws PortailError (64) with the nearest name for a word that names nothing.
 */
export async function locate(root: Group, argv: readonly string[]): Promise<Place> {
  const path = [root.meta.name];
  const early: string[] = [];
  let node: Command | Group = root;
  let index = 0;
  for (; index < argv.length; index++) {
    const word = argv[index]!;
    if (node.kind === "command" && !Object.hasOwn(node.commands ?? {}, word) && !isMistaken(node, word)) break;
    if (node.kind === "group" && word.startsWith("-")) {
      const words = await earlyWords(node, argv.slice(index));
      if (words === 0) break;
      early.push(...argv.slice(index, index + words));
      index += words - 1;
      continue;
    }
    const members: Group["commands"] = node.commands ?? {};
    const load: Group["commands"][string] | undefined = Object.hasOwn(members, word) ? members[word] : undefined;
    if (!load) throw unknownCommand(path, word, members);
    node = await load();
    path.push(word);
  }
  const rest = argv.slice(index);
  return { path, node, rest: node.kind === "group" ? rest : [...early, ...rest] };
}

/** Whether `word` can only be meant for a member, although none has that name. */
function isMistaken({ args, commands }: Command, word: string): boolean {
  if (commands === undefined || word.startsWith("-")) return false;
  return Object.values(args).every((arg) => arg.type !== "positional" || arg.behindDashes);
}

async function earlyWords({ early }: Group, words: readonly string[]): Promise<number> {
  return early === undefined ? 0 : flagWords(words, await early());
}

/** Name and description of each member, for the help of a group or a command that has some. */
export async function summaries({ commands = {} }: Pick<Command, "commands">): Promise<[string, string][]> {
  const loaded = Object.entries(commands).map(async ([name, load]) => {
    const { meta } = await load();
    return [name, meta.description] satisfies [string, string];
  });
  return Promise.all(loaded);
}

/** The error for a flag in front of a command, `typed` perhaps with its value. */
export function misplacedFlag(path: readonly string[], typed: string): Error {
  if (typed === "--verbose") return usage("usage.missing", "--verbose goes with --version");
  const error = unknownFlag(typed.split("=")[0]!, GROUP_FLAGS);
  return error.hint ? error : usage(error.code, error.message, `flags follow the command; ${helpHint(path)}`);
}

function unknownCommand(path: readonly string[], word: string, members: Group["commands"]): Error {
  const suggestion = nearest(word, Object.keys(members));
  const hint = suggestion ? `did you mean "${[...path, suggestion].join(" ")}"?` : helpHint(path);
  return usage("usage.unknown_command", `unknown command ${JSON.stringify(word)}`, hint);
}

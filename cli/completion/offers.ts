/** What may stand at the end of a command line, by the definitions of its command. Knows no shell. */

import type { ArgDefinition, ArgDefinitions, Command, Group } from "../../lib/command/define.ts";
import { flagWords } from "../../lib/command/argv.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { GROUP_FLAGS, locate, summaries, type Place } from "../tree.ts";
import { readWords, type ReadWords } from "./words.ts";
import { VALUES, type Offer } from "./values.ts";

export interface Offers {
  /** How the word begins in front of what is offered, e.g. `--config=`. */
  prefix: string;
  offers: Offer[];
  /** What the shell adds by its own means; a program is what stands behind `--`. */
  more: "none" | "files" | "folders" | "program";
}

const HELP: Offer = { value: "--help", about: "Show help" };
/** Hints for paths. */
const FILES = new Set(["FILE", "ACL_FILE", "POLICY", "CASES", "IN", "OUT", "OBJECT", "PATH", "DEST"]);
const FOLDERS = new Set(["DIR"]);
/** Hints for what may be a path behind `unix:`. */
const ADDRESSES = new Set(["ADDRESS", "SERVER"]);
const UNIX = "unix:";

/** For `current`, which follows `words`; the program's own name is not among them. Throws where the words make no sense. */
export async function offersFor(
  root: Group,
  words: readonly string[],
  current: string,
  runtime: Pick<Runtime, "cwd" | "env">,
): Promise<Offers> {
  const help = words[0] === "help";
  const place = await locate(root, help ? words.slice(1) : words);
  const { node } = place;
  if (help) return these(await members(node));
  return node.kind === "group"
    ? groupOffers(place, node, words, current, runtime)
    : commandOffers(place, node, current, runtime);
}

const these = (offers: Offer[], prefix = ""): Offers => ({ prefix, offers, more: "none" });
const NOTHING: Offers = these([]);

async function members(node: Command | Group): Promise<Offer[]> {
  return (await summaries(node)).map(([value, about]) => ({ value, about }));
}

async function groupOffers(
  { path, rest }: Place,
  node: Group,
  words: readonly string[],
  current: string,
  runtime: Pick<Runtime, "cwd" | "env">,
): Promise<Offers> {
  const early = (await node.early?.()) ?? {};
  const last = words.at(-1) ?? "";
  if (last.startsWith("-") && flagWords([last], early) === 2) {
    const read = readWords([last], early);
    return read.pending === undefined ? NOTHING : valueOffers(read.pending, read, early, current, "", runtime);
  }
  if (rest.length > 0 || current.startsWith("-"))
    return these(flagOffers({ ...GROUP_FLAGS, ...early }, new Map(), current));
  const help = path.length === 1 ? [{ value: "help", about: "Show the help of a command" }] : [];
  return these([...(await members(node)), ...help]);
}

async function commandOffers(
  { rest }: Place,
  command: Command,
  current: string,
  runtime: Pick<Runtime, "cwd" | "env">,
): Promise<Offers> {
  const { args } = command;
  const read = readWords(rest, args);
  if (read.pending !== undefined) return valueOffers(read.pending, read, args, current, "", runtime);
  const positionals = Object.entries(args).filter(([, { type }]) => type === "positional");
  const program = positionals.some(([, definition]) => "behindDashes" in definition);
  if (read.dashes && program) return { ...NOTHING, more: "program" };
  if (!read.dashes && current.startsWith("-")) {
    const equals = current.indexOf("=");
    if (equals === -1) return these([...flagOffers(args, read.given, current), HELP]);
    const { pending } = readWords([current.slice(0, equals)], args);
    const prefix = current.slice(0, equals + 1);
    return pending === undefined ? NOTHING : valueOffers(pending, read, args, current, prefix, runtime);
  }
  const taken = positionals.filter(([, definition]) => !("behindDashes" in definition));
  const below = rest.length === 0 ? await members(command) : [];
  const next = taken[read.positionals] ?? taken.find(([, d]) => d.type === "positional" && d.multiple);
  if (next !== undefined) {
    const values = await valueOffers(next, read, args, current, "", runtime);
    return { ...values, offers: [...below, ...values.offers] };
  }
  if (below.length > 0) return these(below);
  const dashes = program ? [{ value: "--", about: "The program to run follows" }] : [];
  return read.dashes ? NOTHING : these([...flagOffers(args, read.given, current), ...dashes]);
}

/** Flags that may still be given. Second names are offered only to who has begun to write one. */
function flagOffers(args: ArgDefinitions, given: ReadWords["given"], current: string): Offer[] {
  const open = Object.entries(args).filter(([name, definition]) => {
    if (definition.type === "positional" || definition.hidden) return false;
    return !given.has(name) || (definition.type === "string" && definition.multiple === true);
  });
  const names = open.map(([name, definition]): Offer => {
    const no = definition.type === "boolean" && definition.default === true ? "no-" : "";
    return { value: `--${no}${name}`, about: no === "" ? definition.description : `Not: ${definition.description}` };
  });
  if (names.some(({ value }) => value.startsWith(current))) return names;
  const aliases = open.flatMap(([, definition]): Offer[] => {
    const alias = definition.type === "positional" ? undefined : definition.alias;
    return alias === undefined || alias.length === 1 ? [] : [{ value: `--${alias}`, about: definition.description }];
  });
  return [...names, ...aliases];
}

async function valueOffers(
  [, definition]: [string, ArgDefinition],
  { given }: ReadWords,
  args: ArgDefinitions,
  current: string,
  prefix: string,
  runtime: Pick<Runtime, "cwd" | "env">,
): Promise<Offers> {
  if (definition.type === "boolean") return NOTHING;
  const { valueHint: hint = "", values } = definition;
  const more = FILES.has(hint) ? "files" : FOLDERS.has(hint) ? "folders" : "none";
  if (values !== undefined) {
    const asking = { runtime, given: (name: string) => valuesOf(name, given, args, runtime.env) };
    return { prefix, offers: await VALUES[values](asking), more };
  }
  const typed = current.slice(prefix.length);
  if (ADDRESSES.has(hint) && typed.startsWith(UNIX)) return { prefix: prefix + UNIX, offers: [], more: "files" };
  if (ADDRESSES.has(hint)) return these([{ value: UNIX, about: "A UNIX socket" }], prefix);
  return { prefix, offers: choices(hint).map((value) => ({ value })), more };
}

/** The words of a hint that stand for themselves: `text|json`, `none|direct`, but no `HOST:PORT`. */
function choices(hint: string): string[] {
  return hint.split("|").filter((word) => /^(?:[a-z0-9][\w.+-]*|TLS1\.\d)$/.test(word));
}

function valuesOf(
  name: string,
  given: ReadWords["given"],
  args: ArgDefinitions,
  env: Runtime["env"],
): readonly string[] {
  const definition = Object.hasOwn(args, name) ? args[name] : undefined;
  if (definition === undefined || definition.type === "boolean") return [];
  const variable = definition.type === "string" && definition.env !== undefined ? env[definition.env] : undefined;
  const fallback = variable || definition.default;
  return given.get(name) ?? (fallback === undefined ? [] : [fallback]);
}

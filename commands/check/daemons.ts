/** The daemons of the program, and the one that a configuration is for. Starts and checks none. */
import { usage } from "../../lib/command/argv.ts";
import { loadConfig } from "../../lib/command/config.ts";
import type { Command, Group } from "../../lib/command/define.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { nearest } from "../../lib/command/nearest.ts";

interface Daemon {
  /** Its words, without the program's own. */
  path: readonly string[];
  /** The same in one word. */
  name: string;
  command: Command;
}

/** Throws `PortailError` (64) for what names no daemon. */
export async function namedDaemon(root: Group, typed: string): Promise<Daemon> {
  const all = await daemonsOf(root);
  const found = all.find(({ name }) => name === typed.replaceAll(" ", "-"));
  if (found !== undefined) return found;
  const names = all.map(({ name }) => name);
  const guess = nearest(typed, names);
  throw usage(
    "check.not_a_daemon",
    `--for: ${JSON.stringify(typed)} is no daemon that reads a configuration`,
    guess === undefined ? `there are ${names.join(", ")}` : `did you mean "${guess}"?`,
  );
}

/** The only one that takes all keys and tables of `file`. Throws `PortailError` where there is none (78), or more (64). */
export async function chooseDaemon(root: Group, file: string, cwd: string): Promise<Daemon> {
  const tried = (await daemonsOf(root)).map((daemon) => ({ daemon, refusal: refusalOf(daemon, file, cwd) }));
  const taking = tried.filter(({ refusal }) => refusal === undefined).map(({ daemon }) => daemon);
  if (taking.length === 1) return taking[0]!;
  if (taking.length > 1) {
    const names = taking.map(({ name }) => name).join(", ");
    throw usage("check.ambiguous", `${JSON.stringify(file)} could be for ${names}`, "say which with --for");
  }
  const refusals = tried.flatMap(({ refusal }) => refusal ?? []);
  // What they all say of it is wrong for any of them, such as the syntax.
  if (refusals.every(({ message }) => message === refusals[0]!.message)) throw refusals[0]!;
  throw new PortailError(`no daemon takes every key and table of ${JSON.stringify(file)}`, {
    code: "check.no_daemon",
    exit: EXIT.config,
    hint: "--for COMMAND says what is wrong for that one, e.g. --for tunnel-server",
  });
}

/** All, in the order of the tree. */
export async function daemonsOf(group: Group, above: readonly string[] = []): Promise<Daemon[]> {
  const members = Object.entries(group.commands).map(async ([word, load]) => {
    const node = await load();
    const path = [...above, word];
    if (node.kind === "group") return daemonsOf(node, path);
    return node.check === undefined ? [] : [{ path, name: path.join("-"), command: node }];
  });
  return (await Promise.all(members)).flat();
}

function refusalOf({ command }: Daemon, file: string, cwd: string): PortailError | undefined {
  try {
    loadConfig(file, cwd, command);
    return undefined;
  } catch (error) {
    if (error instanceof PortailError) return error;
    throw error;
  }
}

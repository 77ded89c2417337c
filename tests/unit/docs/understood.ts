/** Whether a flag, key, variable or command line that a page names exists in the definitions of portail. Runs no command. */
import { Glob } from "bun";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { root } from "../../../cli/commands.ts";
import { locate } from "../../../cli/tree.ts";
import { refuseOthers } from "../../../commands/tunnel/refused.ts";
import { vetArgv } from "../../../lib/command/argv.ts";
import { TABLES, type TableName } from "../../../lib/command/config-tables.ts";
import { parseConfig } from "../../../lib/command/config.ts";
import type { Command } from "../../../lib/command/define.ts";
import { parseReferenceConfig } from "../../../lib/command/reference-config.ts";

export const REPOSITORY = resolve(import.meta.dir, "../../..");

/** The command of these words, which need not be a leaf of the tree. Throws for words that name none. */
export async function commandOf(words: readonly string[]): Promise<Command> {
  const { node, rest } = await locate(root, words);
  if (node.kind === "group") throw new Error(`"portail ${words.join(" ")}" is a group`);
  if (rest.length > 0) throw new Error(`"portail ${words.join(" ")}" is no command`);
  return node;
}

/** Whether `portail WORDS` takes a flag that is written like this; one that is known in order to be refused is not taken. */
export async function takesFlag(words: readonly string[], written: string): Promise<boolean> {
  const { args } = await commandOf(words);
  const name = written.split(/[= ]/)[0]!;
  const isTaken = (argv: string[]) => {
    try {
      const given = vetArgv(argv, withoutRequired(args));
      if (words[0] === "tunnel") refuseOthers(Object.fromEntries(given));
      return true;
    } catch {
      return false;
    }
  };
  return isTaken([name]) || isTaken([name, "value"]);
}

/** Whether it is a flag, which a file may have too, or a key of a table that the command takes. */
export async function takesKey(words: readonly string[], key: string): Promise<boolean> {
  const { args, meta } = await commandOf(words);
  return Object.hasOwn(args, key) || (meta.tables ?? []).some((table) => Object.hasOwn(TABLES[table].keys, key));
}

export async function takesTable(words: readonly string[], table: string): Promise<boolean> {
  return ((await commandOf(words)).meta.tables ?? []).includes(table as TableName);
}

/** Whether a definition of the command names the variable, or the sources of its folder do, as switches need it. */
export async function readsVariable(words: readonly string[], variable: string): Promise<boolean> {
  const { args } = await commandOf(words);
  if (Object.values(args).some((arg) => "env" in arg && arg.env === variable)) return true;
  const folder = words[0] === "daemon" || words[0] === "rpc" ? "socks" : words[0]!;
  const sources = new Glob("**/*.ts").scanSync(`${REPOSITORY}/commands/${folder}`);
  return [...sources].some((path) => {
    const text = readFileSync(`${REPOSITORY}/commands/${folder}/${path}`, "utf8");
    return text.includes(`"${variable}"`) || text.includes(`{ ${variable}:`);
  });
}

/** Throws where `portail …` is not a command line that is understood. A pipe, a redirection and `&` end it. */
export async function vetLine(line: string): Promise<void> {
  const words = wordsOf(line);
  const { node, rest } = await locate(root, words.slice(1));
  if (node.kind === "group") {
    if (rest.length === 1 && ["--help", "--version"].includes(rest[0]!)) return;
    throw new Error(`"${line}" names no command`);
  }
  vetArgv(
    rest.filter((word) => word !== "--help"),
    node.args,
  );
}

/** Throws where the file is not understood. Its first line is a comment that names the command. */
export async function vetToml(text: string): Promise<void> {
  const [, first] = /^# (.*)\n/.exec(text) ?? [];
  if (first === undefined) throw new Error("the first line of a TOML block says whose it is");
  if (first.startsWith("/etc/portail.toml")) {
    parseReferenceConfig(text, "page");
    return;
  }
  const [, words] = /^portail ([a-z ]+)/.exec(first) ?? [];
  parseConfig(text, "page", await commandOf((words ?? "").trim().split(" ")));
}

/** Flags of every command there is. */
export async function everyFlag(): Promise<ReadonlySet<string>> {
  const flags = new Set(["--help", "--version", "--verbose"]);
  const walk = async (commands: Command["commands"] = {}): Promise<void> => {
    for (const load of Object.values(commands)) {
      const node = await load();
      if (node.kind === "command") {
        for (const [name, arg] of Object.entries(node.args)) {
          flags.add(`--${name}`);
          if (arg.type === "boolean") flags.add(`--no-${name}`);
          if ("alias" in arg && arg.alias !== undefined)
            flags.add(arg.alias.length === 1 ? `-${arg.alias}` : `--${arg.alias}`);
        }
      }
      await walk(node.commands);
    }
  };
  await walk(root.commands);
  return flags;
}

/** Nothing but the flag itself is looked at. */
function withoutRequired(args: Command["args"]): Command["args"] {
  return Object.fromEntries(Object.entries(args).filter(([, { type }]) => type !== "positional"));
}

function wordsOf(line: string): string[] {
  const quoted = /"([^"]*)"|'([^']*)'|(\S+)/g;
  const words = Array.from(line.matchAll(quoted), ([, double, single, plain]) => double ?? single ?? plain!);
  const end = words.findIndex((word) => ["|", ">", "<", "&"].includes(word));
  return end === -1 ? words : words.slice(0, end);
}

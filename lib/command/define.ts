/** How a command is declared: one object from which argv, configuration, help, man page and completion are made. Runs nothing. */

import { defineCommand as defineCittyCommand, type CommandDef } from "citty";
import type { ConfigTables, TableName } from "./config-tables.ts";
import type { ExitStatus } from "./errors.ts";
import type { Runtime } from "./runtime.ts";

interface ArgBase {
  /** One sentence without a final period. */
  description: string;
  /** Heading in the help; flags without one stand under "Flags". */
  group?: string;
  hidden?: true;
}

/**
 * Names that completion can offer for a value: out of the files that the command line names, of a proxy that runs, or
 * of the program itself.
 */
export type ValueSource =
  | "backends"
  | "cases"
  | "doctor-commands"
  | "facts"
  | "key-ids"
  | "lint-rules"
  | "listeners"
  | "policies"
  | "policy-commands"
  | "preset-targets"
  | "protocol-ids"
  | "running-backends"
  | "sample-policy"
  | "server-names"
  | "sessions"
  | "used-backends";

/** A flag with a value. Values stay text here; lib/command/values.ts makes numbers, durations and sizes of them. */
interface StringArg extends ArgBase {
  type: "string";
  /** What stands for the value in the help, e.g. `FILE`. */
  valueHint?: string;
  values?: ValueSource;
  default?: string;
  /** May be repeated; all values are kept in order. */
  multiple?: true;
  required?: true;
  /** A second name; a single letter is a short flag. */
  alias?: string;
  /** Also taken with one dash in front of its names, as Go's package `flag` has it. */
  oneDash?: true;
  /** The environment variable that gives the value where neither argv nor the configuration file does. */
  env?: string;
}

/** A flag without a value, also taken as `--no-NAME`. */
interface BooleanArg extends ArgBase {
  type: "boolean";
  default?: boolean;
  alias?: string;
}

/** An argument without a flag; only the last may be `multiple`. */
export interface PositionalArg extends ArgBase {
  type: "positional";
  /** It is taken only behind `--`: what stands before is a mistake. */
  behindDashes?: true;
  valueHint?: string;
  values?: ValueSource;
  default?: string;
  multiple?: true;
  required?: true;
  /** The configuration file may say it too, by its name. */
  inFile?: true;
}

export type ArgDefinition = StringArg | BooleanArg | PositionalArg;

/** Keys are the names as they are typed, in kebab-case and without dashes in front; none begins with `no-`. */
export type ArgDefinitions = Readonly<Record<string, ArgDefinition>>;

type ParsedArg<D extends ArgDefinition> = D extends { type: "boolean" }
  ? boolean
  : D extends { multiple: true }
    ? string[]
    : D extends { default: string } | { required: true }
      ? string
      : string | undefined;

/** The values of `A`, one per definition and no others: a misspelt name does not compile. */
export type ParsedArgs<A extends ArgDefinitions> = { readonly [K in keyof A]: ParsedArg<A[K]> };

export interface CommandMeta {
  /** The last word of the command, e.g. `test` of `portail acl test`. */
  name: string;
  description: string;
  /** More for the help, in paragraphs separated by empty lines. */
  long?: string;
  examples: readonly { command: string; description: string }[];
  exits: readonly { status: ExitStatus; meaning: string }[];
  /** The tables of the configuration file that this command takes; it refuses the others. */
  tables?: readonly TableName[];
  /** `--config` names a file of another schema, which the command reads by itself. */
  foreignConfig?: true;
}

export interface Config {
  /** The file named by `--config`, if any. */
  readonly path?: string;
  /** Tables that the file does not have are empty. */
  readonly tables: ConfigTables;
  /** `FILE:LINE` of a key of the file, by the way from the top (`-` for `_` as well); for messages. */
  readonly place?: (path: readonly string[]) => string;
}

export interface Invocation<A extends ArgDefinitions = ArgDefinitions> {
  readonly args: ParsedArgs<A>;
  readonly data: Runtime;
  readonly config: Config;
}

type Awaitable<T> = T | Promise<T>;

interface CommandDefinition<A extends ArgDefinitions> {
  meta: CommandMeta;
  args: A;
  /** Words that may follow this command's own and lead to others. */
  commands?: Group["commands"];
  /** The exit status: one of `EXIT`, or that of a program which the command ran. */
  run(invocation: Invocation<A>): Awaitable<number>;
  /** Of a daemon: reads all that `run` would before it serves, listens nowhere and writes nothing. Throws as `run`. */
  check?(invocation: Invocation<A>): Awaitable<void>;
}

/** A leaf of the tree: a citty command that carries its own definitions. */
export interface Command {
  readonly kind: "command";
  readonly meta: CommandMeta;
  readonly args: ArgDefinitions;
  /** Imported when they are needed, as a group's. */
  readonly commands?: Group["commands"];
  /** To be run by citty with an `Invocation` as its data. citty parses no argv: it would lose repeated flags. */
  readonly citty: CommandDef;
  /** For `portail check`; only daemons have it. */
  readonly check?: (invocation: Invocation) => Awaitable<void>;
}

/** A word that only leads to others, e.g. `portail acl`. Its members are imported when they are needed. */
export interface Group {
  readonly kind: "group";
  readonly meta: { readonly name: string; readonly description: string };
  readonly commands: Readonly<Record<string, () => Promise<Command | Group>>>;
  /** Flags of its members that may also stand in front of the member's word. */
  readonly early?: () => Promise<ArgDefinitions>;
}

/** Declares a command. `run` gets exactly typed values and returns the exit status; it throws PortailError for an operator's mistake. */
export function defineCommand<const A extends ArgDefinitions>(definition: CommandDefinition<A>): Command {
  const { meta, args, commands, run, check } = definition;
  const { name, description } = meta;
  const citty = defineCittyCommand({
    meta: { name, description },
    run: ({ data }: { data?: Invocation<A> }) => run(data!),
  });
  return {
    kind: "command",
    meta,
    args,
    citty,
    ...(commands && { commands }),
    ...(check && { check: (given: Invocation) => check(given as Invocation<A>) }),
  };
}

/** Declares a group of commands. */
export function defineGroup(definition: Omit<Group, "kind">): Group {
  return { kind: "group", ...definition };
}

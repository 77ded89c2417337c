/** The command line of benchmarks beside peers, and the choice of contenders and rows by name. Runs nothing. */
import { parseArgs } from "node:util";
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import { nearest } from "../../../lib/command/nearest.ts";

export interface Options {
  rounds: number;
  quick: boolean;
  /** Names of contenders, families and rows; empty means all. */
  only: string[];
  /** How portail is started: a template whose words the benchmark fills in. */
  command: string;
  /** Which portail that is, in words. */
  subject: string;
  /** Started by a command of the caller's: not the program that is measured for the record. */
  custom: boolean;
}

const FLAGS = {
  rounds: { type: "string" },
  quick: { type: "boolean", default: false },
  only: { type: "string", multiple: true },
  portail: { type: "string", default: "binary" },
  "portail-command": { type: "string" },
} as const;

const PROGRAMS: Record<string, { command: string; subject: string }> = {
  binary: { command: "dist/portail", subject: "the compiled binary" },
  source: { command: `${process.execPath} cli/main.ts`, subject: "from source" },
};

/** The name that selects the row of silent clients. */
const SILENT = "silent";

/** Parses argv; every mistake is a {@link PortailError} of usage. `words` follow the program in the command that starts portail. */
export function parseOptions(argv: string[], words: string): Options {
  const values = strict(argv);
  const rounds = Number(values.rounds ?? (values.quick ? 2 : 5));
  if (!Number.isInteger(rounds) || rounds < 1)
    throw usage(`--rounds takes a whole number from 1, not ${JSON.stringify(values.rounds)}`);
  const custom = values["portail-command"];
  const program = PROGRAMS[values.portail];
  if (program === undefined) throw usage(`--portail takes binary or source, not ${JSON.stringify(values.portail)}`);
  const chosen =
    custom === undefined
      ? { command: `${program.command} ${words}`.trimEnd(), subject: program.subject }
      : { command: custom, subject: "a command of its own" };
  const only = (values.only ?? []).flatMap((list) => list.toLowerCase().split(",")).filter((name) => name !== "");
  return { rounds, quick: values.quick, only, ...chosen, custom: custom !== undefined };
}

/** Whether a run is of full length, with the program and all rows and peers: only such a one is kept. */
export function isComplete({ custom, quick, only, rounds }: Options, missing: readonly string[]): boolean {
  return !custom && !quick && only.length === 0 && rounds >= 5 && missing.length === 0;
}

interface Person {
  name: string;
  family: string;
}

/** What there is to choose from. */
export interface Menu<Contender extends Person, Row extends { name: string }> {
  contenders: readonly Contender[];
  rows: readonly Row[];
  /** Whether there is a row of silent clients. */
  silent: boolean;
}

export interface Selection<Contender, Row> {
  contenders: Contender[];
  rows: Row[];
  silent: boolean;
}

/** What `only` leaves: contenders by name or family, rows by name; none of a kind named means all of that kind. */
export function select<Contender extends Person, Row extends { name: string }>(
  only: readonly string[],
  { contenders, rows, silent }: Menu<Contender, Row>,
): Selection<Contender, Row> {
  const people = new Set(contenders.flatMap(({ name, family }) => [name, family.toLowerCase()]));
  const rowNames = new Set<string>([...(silent ? [SILENT] : []), ...rows.map(({ name }) => name)]);
  for (const name of only) {
    if (people.has(name) || rowNames.has(name)) continue;
    const guess = nearest(name, [...people, ...rowNames]);
    throw usage(`--only knows no ${JSON.stringify(name)}`, guess === undefined ? undefined : `did you mean ${guess}?`);
  }
  const byPeople = only.some((name) => people.has(name));
  const byRow = only.some((name) => rowNames.has(name));
  return {
    contenders: contenders.filter(
      ({ name, family }) => !byPeople || only.includes(name) || only.includes(family.toLowerCase()),
    ),
    rows: rows.filter(({ name }) => !byRow || only.includes(name)),
    silent: silent && (!byRow || only.includes(SILENT)) && (!byPeople || only.includes("portail")),
  };
}

function strict(argv: string[]) {
  try {
    return parseArgs({ args: argv, options: FLAGS, strict: true }).values;
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function usage(message: string, hint?: string): PortailError {
  return new PortailError(message, { code: "bench.usage", exit: EXIT.usage, ...(hint === undefined ? {} : { hint }) });
}

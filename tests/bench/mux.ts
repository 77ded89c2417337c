/** The multiplexer beside its peers: rounds in rotating order, and a report. Not a test. */
import { captureHello } from "./mux/hello.ts";
import { askedFor, names, passThrough, terminating } from "./mux/contenders.ts";
import type { Report } from "./run.ts";
import type { Contender, Family } from "./support/contender.ts";
import { benchesFor, participants, present, runRounds, scratchFolder, troubles } from "./support/contest.ts";
import { machine, watchOthers } from "./support/machine.ts";
import type { Entrant } from "./support/measure.ts";
import { FULL, QUICK, type Effort } from "./support/modes.ts";
import { isComplete, parseOptions, select, type Options } from "./support/options.ts";
import { LOAD_CORE, pinOurselves, PROXY_CORE } from "./support/process.ts";
import type { OwnNetwork } from "./support/own-network.ts";
import { cell, gateTable, judge, type Series } from "./support/report.ts";
import { MUX_ROWS, NEW_CONNECTIONS, type Mode, type NamedRow } from "./support/rows.ts";
import { spread } from "./support/stats.ts";
import { table } from "./support/table.ts";
import { writeMaterial } from "./tunnel/material.ts";

/** By how many routes there are to choose from; the first is measured in everything. */
const TABLES: readonly [Family, count: number][] = [
  ["pass-through", 1],
  ["100 routes", 100],
  ["10,000 routes", 10_000],
];

export const ownNetwork: OwnNetwork = {};

const EFFORT: Effort = { ...FULL, bulkMs: 2000, rateWarmupMs: 8000, rateMs: 3000 };

/** `npm run bench -- mux [--rounds N] [--quick] [--only NAME,…] [--portail binary|source] [--portail-command PROGRAM]`. */
export default async function benchMux(argv: string[]): Promise<Report> {
  const options = parseOptions(argv, "");
  const everyone = await contendersOf(options.command);
  const { contenders, rows } = select(options.only, { contenders: everyone, rows: MUX_ROWS, silent: false });
  const { here, missing } = present(contenders);
  pinOurselves();
  const others = watchOthers();
  const dir = scratchFolder();
  await writeMaterial(dir);
  const modes = new Set<Mode>(rows.map(({ mode }) => mode));
  const benches = await benchesFor(here, dir, options.quick ? QUICK : EFFORT);
  const entrants = [...benches].map(([contender, bench]): Entrant => ({
    contender,
    modes: isSize(contender) ? only(modes, "rate") : modes,
    bench,
  }));
  const series = await runRounds(entrants, options.rounds);
  return report({ argv, options, rows, series, missing, others: others() });
}

async function contendersOf(command: string): Promise<Contender[]> {
  const all: Contender[] = [];
  for (const [family, count] of TABLES) {
    const routes = names(count);
    const hellos = await Promise.all(askedFor(routes).map(captureHello));
    all.push(...passThrough(command, family, routes, hellos));
  }
  return [...all, ...terminating(command)];
}

/** Whether it is only there to be compared with fewer routes. */
function isSize({ family }: Contender): boolean {
  return TABLES.slice(1).some(([size]) => size === family);
}

function only(modes: ReadonlySet<Mode>, mode: Mode): ReadonlySet<Mode> {
  return new Set(modes.has(mode) ? [mode] : []);
}

interface Outcome {
  argv: string[];
  options: Options;
  rows: NamedRow[];
  series: Series[];
  missing: string[];
  /** What else the machine did, 0..1. */
  others: number;
}

function report({ argv, options, rows, series, missing, others }: Outcome): Report {
  const parts = ["## mux", introduction(argv, options, others)];
  let passed = missing.length === 0;
  const measuresRate = rows.some(({ name }) => name === NEW_CONNECTIONS.name);
  for (const family of ["pass-through", "terminate"] as const) {
    const members = series.filter(({ contender }) => contender.family === family);
    if (members.length === 0) continue;
    const { text, judged } = gateTable(family, members, rows);
    passed &&= judged.every(({ verdict }) => verdict === "pass" || verdict === "");
    parts.push(text);
    if (measuresRate) parts.push(besideAll(members));
  }
  if (measuresRate) parts.push(sizes(series));
  const trouble = troubles(missing, series, []);
  if (trouble !== undefined) parts.push(trouble);
  parts.push(participants(series));
  return { markdown: parts.join("\n\n"), keep: isComplete(options, missing), passed };
}

/** The goal of the row whose gate leaves a peer out. */
function besideAll(members: Series[]): string {
  const { best, ratio } = judge(NEW_CONNECTIONS, members);
  const figures =
    ratio === undefined ? "no data" : `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}..${ratio.max.toFixed(2)})`;
  return `New connections beside the best of all peers (${best ?? "none"}): ${figures}; the goal is 1.00.`;
}

/** New connections per second by the number of routes, of each that passes TLS on. */
function sizes(series: readonly Series[]): string {
  const people = [
    ...new Set(series.filter(({ contender }) => isSize(contender)).map(({ contender }) => contender.name)),
  ];
  const of = (name: string, family: Family) =>
    series.find(({ contender }) => contender.name === name && contender.family === family);
  const body = people.map((name) => {
    const each = TABLES.map(([family]) => of(name, family));
    const [least, most] = [each[0], each.at(-1)].map(
      (one) => one && spread(one.rounds.flatMap(({ values }) => values.rate ?? [])),
    );
    const kept = least === undefined || most === undefined ? "-" : (most.median / least.median).toFixed(2);
    return [name, ...each.map((one) => (one === undefined ? "-" : cell(one, "rate"))), kept];
  });
  const counts = TABLES.map(([, count]) => `${count.toLocaleString("en-US")} routes`);
  return table(["new connections (1/s) with", ...counts, "of the first"], body);
}

function introduction(argv: readonly string[], { subject, rounds }: Options, others: number): string {
  return [
    `\`npm run bench -- mux${argv.map((word) => ` ${word}`).join("")}\` on ${machine()}.`,
    "",
    `Portail is ${subject}. ${rounds} rounds, in which the contenders take turns at each load, the order rotated. Each contender is`,
    `one process, pinned to core ${PROXY_CORE}; the load generator and the target share core ${LOAD_CORE}. What passes through begins with the hello of a`,
    "real client (1.7 kB with its post-quantum key share) and goes on in the clear, which none of them can see; where TLS ends,",
    "each connection is a full handshake (ECDSA P-256, X25519) and goes to the target in the clear. Half of the routes are for",
    "exact names and half for wildcards; clients ask for the first, the last and some between. Cells are medians (min..max). A",
    "ratio is the median of the rounds' ratios of portail to the peer with the best median; above 1 portail is better. The gate",
    "asks for 1.00 and for no failed connection; for new connections it looks at nginx and sslh, and nowhere at a peer that",
    "loses more than one connection in a hundred. All run in a network of their own, where at most 4096 connections wait in",
    "TIME_WAIT: else the search for a free port would be what is measured.",
    "",
    `Other programs took ${Math.round(others * 100)} % of the machine's processor time during the run.`,
  ].join("\n");
}

/** The access proxy beside its peers: rounds in rotating order, one worker and one core each, and a report. Not a test. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { Report } from "./run.ts";
import { startLoad } from "./support/load.ts";
import { machine, packageVersion } from "./support/machine.ts";
import { FULL, measure, QUICK, type Bench, type Measurement } from "./support/measure.ts";
import { parseOptions, select, type Options, type Selection } from "./support/options.ts";
import { contenders, type Contender, type Family } from "./support/peers.ts";
import { canPin, LOAD_CORE, PROXY_CORE } from "./support/process.ts";
import { gateTable, plainTable, type Series } from "./support/report.ts";
import { measureSilent, silentTable, type SilentMeasurement } from "./support/silent.ts";
import { rotate } from "./support/stats.ts";

/** `npm run bench -- socks [--rounds N] [--quick] [--only NAME,…] [--portail binary|source] [--portail-command TEMPLATE]`. */
export default async function socks(argv: string[]): Promise<Report> {
  const options = parseOptions(argv);
  const everyone = contenders(options.command);
  const selection = select(options.only, everyone);
  const missing = selection.contenders.filter(({ program }) => program !== undefined && Bun.which(program) === null);
  selection.contenders = selection.contenders.filter((contender) => !missing.includes(contender));
  pinOurselves();
  const dir = mkdtempSync(join(tmpdir(), "portail-bench-"));
  // Some peers change to a user of their own before they write there.
  chmodSync(dir, 0o1777);
  process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
  const target = await startLoad<{ port: number }>("target", {}, 10_000);
  const bench: Bench = { dir, targetPort: target.answer.port, effort: options.quick ? QUICK : FULL };
  const series = await runRounds(selection, options.rounds, bench);
  const silent = await runSilent(selection, options, bench, everyone);
  const complete =
    !options.custom && !options.quick && options.only.length === 0 && options.rounds >= 5 && missing.length === 0;
  return report({ argv, options, selection, series, silent, missing, complete });
}

async function runRounds({ contenders, rows }: Selection, rounds: number, bench: Bench): Promise<Series[]> {
  const series = contenders.map((contender): Series => ({ contender, rounds: [] }));
  const modes = new Set(rows.map(({ mode }) => mode));
  if (modes.size === 0) return series;
  for (let round = 0; round < rounds; round++) {
    for (const one of rotate(series, round)) {
      say(`round ${round + 1} of ${rounds}: ${one.contender.family} ${one.contender.name}`);
      one.rounds.push(await measure(one.contender, modes, bench));
    }
  }
  return series;
}

interface Silent {
  wanted: number;
  rounds: SilentMeasurement[];
  problems: string[];
}

async function runSilent(
  selection: Selection,
  { quick, rounds }: Options,
  bench: Bench,
  everyone: Contender[],
): Promise<Silent | undefined> {
  const portail = everyone.find(({ name }) => name === "portail");
  if (!selection.silent || portail === undefined) return undefined;
  const connections = quick ? 1000 : 4000;
  const silent: Silent = { wanted: connections * 1.1, rounds: [], problems: [] };
  for (let round = 0; round < rounds; round++) {
    say(`silent clients: ${round + 1} of ${rounds}`);
    try {
      silent.rounds.push(await measureSilent(portail, bench, connections));
    } catch (error) {
      silent.problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  return silent;
}

interface Outcome {
  argv: string[];
  options: Options;
  selection: Selection;
  series: Series[];
  silent: Silent | undefined;
  missing: Contender[];
  complete: boolean;
}

function report({ argv, options, selection, series, silent, missing, complete }: Outcome): Report {
  const parts = ["## socks", introduction(argv, options, series)];
  let passed = true;
  const of = (...families: Family[]) => series.filter(({ contender }) => families.includes(contender.family));
  for (const family of ["SOCKS", "CONNECT"] as const) {
    if (of(family).length === 0 || selection.rows.length === 0) continue;
    const { text, judged } = gateTable(family, of(family), selection.rows);
    passed &&= judged.every(({ verdict }) => verdict === "pass" || verdict === "");
    parts.push(text);
  }
  if (of("relay", "direct").length > 0 && selection.rows.length > 0)
    parts.push(plainTable(of("relay", "direct"), selection.rows));
  if (silent !== undefined) {
    const outcome = silentTable(silent.rounds, silent.wanted);
    passed &&= outcome.passed && silent.problems.length === 0;
    parts.push(outcome.text);
  }
  const troubles = [
    ...missing.map(({ name }) => `${name} is not installed`),
    ...series.flatMap(({ contender, rounds }) => problemsOf(contender, rounds)),
    ...(silent?.problems ?? []).map((problem) => `silent clients: ${problem}`),
  ];
  if (troubles.length > 0) parts.push(bullets("Trouble:", [...new Set(troubles)]));
  const notes = new Map(series.map(({ contender }) => [contender.name, describe(contender)]));
  parts.push(bullets("Who took part:", [...notes.values()]));
  return { markdown: parts.join("\n\n"), keep: complete, passed: passed && missing.length === 0 };
}

function introduction(argv: string[], options: Options, series: readonly Series[]): string {
  const rounds = Math.max(0, ...series.map((one) => one.rounds.length));
  return [
    `\`npm run bench -- socks${argv.map((word) => ` ${word}`).join("")}\` on ${machine()}.`,
    "",
    `Portail is ${options.subject}. ${rounds} rounds, every contender once per round, the order rotated. Each proxy is pinned to core`,
    `${PROXY_CORE}; the load generator and the target share core ${LOAD_CORE}. Cells are medians (min..max). A ratio is the median of the`,
    "rounds' ratios of portail to the peer with the best median; above 1 portail is better. The gate asks for 1.00 and for no",
    "failed connection. Added latency is the percentile through the proxy less that of the direct connection, measured in turns.",
    "Memory and processor time are summed over all processes of a proxy. RSS counts pages that they share once for each; PSS",
    "once, but also spares portail, when it runs from source, what it shares with the load generator's runtime.",
  ].join("\n");
}

function describe({ name, package: debian, note }: Contender): string {
  const version = debian === undefined ? undefined : packageVersion(debian);
  return `**${name}**${version === undefined ? "" : ` ${version}`}: ${note}`;
}

function problemsOf({ family, name }: Contender, rounds: readonly Measurement[]): string[] {
  return rounds.flatMap(({ problems }) => problems.map((problem) => `${family} ${name}: ${problem}`));
}

function bullets(title: string, list: readonly string[]): string {
  return `${title}\n\n${list.map((one) => `- ${one}`).join("\n")}`;
}

/** Our own readings of /proc must not disturb the proxy's core; children are pinned one by one. */
function pinOurselves(): void {
  const pin = ["taskset", "-acp", String(LOAD_CORE), String(process.pid)];
  if (canPin() && Bun.spawnSync(pin).success) return;
  throw new PortailError("cannot pin the proxies and their load to a core each", {
    code: "bench.cores",
    exit: EXIT.unavailable,
    hint: "the benchmark needs two cores and taskset, of util-linux",
  });
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** The access proxy beside its peers: rounds in rotating order, one worker and one core each, and a report. Not a test. */
import type { Report } from "./run.ts";
import { participants, present, runRounds, say, scratchFolder, startTarget, troubles } from "./support/contest.ts";
import type { Contender, Family } from "./support/contender.ts";
import { machine } from "./support/machine.ts";
import type { Bench } from "./support/measure.ts";
import { FULL, QUICK } from "./support/modes.ts";
import { isComplete, parseOptions, select, type Options, type Selection } from "./support/options.ts";
import { contenders } from "./support/peers.ts";
import { LOAD_CORE, pinOurselves, PROXY_CORE } from "./support/process.ts";
import { gateTable, plainTable, type Series } from "./support/report.ts";
import { ROWS, type NamedRow } from "./support/rows.ts";
import { measureSilent, silentTable, type SilentMeasurement } from "./support/silent.ts";

/** `npm run bench -- socks [--rounds N] [--quick] [--only NAME,…] [--portail binary|source] [--portail-command TEMPLATE]`. */
export default async function socks(argv: string[]): Promise<Report> {
  const options = parseOptions(argv, "socks --listen 127.0.0.1:PORT --acl ACL");
  const everyone = contenders(options.command);
  const selection = select(options.only, { contenders: everyone, rows: ROWS, silent: true });
  const { here, missing } = present(selection.contenders);
  pinOurselves();
  const [targetPort] = await startTarget(1);
  const effort = options.quick ? QUICK : FULL;
  const bench: Bench = { dir: scratchFolder(), targetPort: targetPort!, effort };
  const modes = new Set(selection.rows.map(({ mode }) => mode));
  const rounds = modes.size === 0 ? 0 : options.rounds;
  const series = await runRounds(
    here.map((contender) => ({ contender, modes, bench })),
    rounds,
  );
  const silent = await runSilent(selection, options, bench, everyone);
  const complete = isComplete(options, missing);
  return report({ argv, options, selection, series, silent, missing, complete });
}

interface Silent {
  wanted: number;
  rounds: SilentMeasurement[];
  problems: string[];
}

async function runSilent(
  selection: Selection<Contender, NamedRow>,
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
  selection: Selection<Contender, NamedRow>;
  series: Series[];
  silent: Silent | undefined;
  missing: string[];
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
  const silentTroubles = silent?.problems.map((problem) => `silent clients: ${problem}`) ?? [];
  const trouble = troubles(missing, series, silentTroubles);
  if (trouble !== undefined) parts.push(trouble);
  parts.push(participants(series));
  return { markdown: parts.join("\n\n"), keep: complete, passed: passed && missing.length === 0 };
}

function introduction(argv: string[], options: Options, series: readonly Series[]): string {
  const rounds = Math.max(0, ...series.map((one) => one.rounds.length));
  return [
    `\`npm run bench -- socks${argv.map((word) => ` ${word}`).join("")}\` on ${machine()}.`,
    "",
    `Portail is ${options.subject}. ${rounds} rounds, in which the contenders take turns at each load, the order rotated. Each proxy is pinned to core`,
    `${PROXY_CORE}; the load generator and the target share core ${LOAD_CORE}. Cells are medians (min..max). A ratio is the median of the`,
    "rounds' ratios of portail to the peer with the best median; above 1 portail is better. The gate asks for 1.00 and for no",
    "failed connection. Loads warm up before they count, new connections for five seconds. Added latency is the percentile",
    "through the proxy less that of the direct connection, measured in turns.",
    "Memory and processor time are summed over all processes of a proxy. RSS counts pages that they share once for each; PSS",
    "once, but also spares portail, when it runs from source, what it shares with the load generator's runtime.",
  ].join("\n");
}

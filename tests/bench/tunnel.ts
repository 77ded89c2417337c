/** The mTLS tunnel beside its peers: pairs of processes, rounds in rotating order, one core for each pair, and a report. Not a test. */
import type { Report } from "./run.ts";
import { benchesFor, participants, present, runRounds, say, scratchFolder, troubles } from "./support/contest.ts";
import type { Contender } from "./support/contender.ts";
import { machine, watchOthers } from "./support/machine.ts";
import type { Bench, Entrant } from "./support/measure.ts";
import { FULL, QUICK, type Effort } from "./support/modes.ts";
import { isComplete, parseOptions, select, type Options } from "./support/options.ts";
import { LOAD_CORE, pinOurselves, PROXY_CORE } from "./support/process.ts";
import { gateTable, plainTable, type Series } from "./support/report.ts";
import { TUNNEL_ROWS, type Mode, type NamedRow } from "./support/rows.ts";
import { handshakeTable, measurableModes, proofTroubles, type Proof } from "./tunnel/handshakes.ts";
import { writeMaterial } from "./tunnel/material.ts";
import { pairs } from "./tunnel/pairs.ts";
import { prove } from "./tunnel/proof.ts";

/** `npm run bench -- tunnel [--rounds N] [--quick] [--only NAME,…] [--portail binary|source] [--portail-command PROGRAM]`. */
export default function tunnel(argv: string[]): Promise<Report> {
  return contest(argv, { name: "tunnel", contenders: pairs, rows: TUNNEL_ROWS, introduction });
}

/** What is measured in this way. */
export interface Subject {
  name: string;
  /** `command` starts portail. */
  contenders(command: string): Contender[];
  rows: readonly NamedRow[];
  /** Of a run that is not `--quick`; `FULL` where it is not said. */
  effort?: Effort;
  introduction(argv: readonly string[], options: Options, others: number): string;
}

export async function contest(argv: string[], subject: Subject): Promise<Report> {
  const options = parseOptions(argv, "");
  const menu = { contenders: subject.contenders(options.command), rows: subject.rows, silent: false };
  const { contenders, rows } = select(options.only, menu);
  const { here, missing } = present(contenders);
  pinOurselves();
  const others = watchOthers();
  const dir = scratchFolder();
  await writeMaterial(dir);
  const effort = options.quick ? QUICK : (subject.effort ?? FULL);
  const benches = await benchesFor(here, dir, effort);
  const { proofs, problems } = await proveAll(benches);
  const wanted = new Set(rows.map(({ mode }) => mode));
  const entrants: Entrant[] = [...benches].map(([contender, bench]) => ({
    contender,
    modes: modesOf(contender, wanted, proofs),
    bench,
  }));
  const series = await runRounds(entrants, options.rounds);
  const complete = isComplete(options, missing);
  return report(subject, { argv, options, rows, series, proofs, problems, missing, others: others(), complete });
}

interface Proofs {
  proofs: Map<Contender, Proof>;
  problems: string[];
}

async function proveAll(benches: ReadonlyMap<Contender, Bench>): Promise<Proofs> {
  const into: Proofs = { proofs: new Map(), problems: [] };
  for (const [contender, bench] of benches) {
    if (contender.setup === undefined || contender.family !== "mTLS") continue;
    say(`proof: ${contender.name}`);
    try {
      const proof = await prove(contender, bench);
      into.proofs.set(contender, proof);
      into.problems.push(...proofTroubles(proof).map((problem) => `${contender.name}: ${problem}`));
    } catch (error) {
      into.problems.push(`${contender.name}: proof: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return into;
}

/** What is not proven is not measured. The direct connection has nothing to prove. */
function modesOf(
  contender: Contender,
  wanted: ReadonlySet<Mode>,
  proofs: ReadonlyMap<Contender, Proof>,
): ReadonlySet<Mode> {
  if (contender.setup === undefined || contender.family !== "mTLS") return wanted;
  const proof = proofs.get(contender);
  return proof === undefined ? new Set() : measurableModes(wanted, proof);
}

interface Outcome extends Proofs {
  argv: string[];
  options: Options;
  rows: NamedRow[];
  series: Series[];
  missing: string[];
  /** What else the machine did, 0..1. */
  others: number;
  complete: boolean;
}

function report(subject: Subject, outcome: Outcome): Report {
  const { argv, options, rows, series, proofs, problems, missing, others, complete } = outcome;
  const tables = (["mTLS", "relay", "to a proxy"] as const)
    .map((family) => [family, series.filter(({ contender }) => contender.family === family)] as const)
    .filter(([, members]) => members.length > 0)
    .map(([family, members]) => gateTable(family, members, rows));
  const judged = tables.flatMap((table) => table.judged);
  const parts = [`## ${subject.name}`, subject.introduction(argv, options, others), ...tables.map(({ text }) => text)];
  const direct = series.filter(({ contender }) => contender.family === "direct");
  const gated = rows.filter(({ gate }) => gate);
  if (direct.length > 0 && gated.length > 0) parts.push(plainTable(direct, gated));
  parts.push(handshakeTable([...proofs].map(([{ name }, proof]) => ({ name, proof }))));
  const trouble = troubles(missing, series, problems);
  if (trouble !== undefined) parts.push(trouble);
  parts.push(participants(series));
  const passed =
    judged.every(({ verdict }) => verdict === "pass" || verdict === "") &&
    missing.length === 0 &&
    problems.length === 0;
  return { markdown: parts.join("\n\n"), keep: complete, passed };
}

function introduction(argv: readonly string[], options: Options, others: number): string {
  return [
    `\`npm run bench -- tunnel${argv.map((word) => ` ${word}`).join("")}\` on ${machine()}.`,
    "",
    `Portail is ${options.subject}. ${options.rounds} rounds, in which the contenders take turns at each load, the order rotated. A contender`,
    "is a client side and a server side, one process with one worker each: plain TCP into the client side, mTLS between the two",
    "(TLS 1.3, ECDSA P-256, both certificates verified), plain TCP to the target. Both sides of a pair are pinned to core",
    `${PROXY_CORE}, generator and target share core ${LOAD_CORE}: what is compared is the work of the pair. Cells are medians (min..max). A ratio is`,
    "the median of the rounds' ratios of portail to the peer with the best median; above 1 portail is better. The gate asks for",
    "1.00 and for no failed connection, the goal is what is hoped for. Latency is added to that of the direct connection,",
    "measured in turns. Memory and processor time are summed over both sides. Full handshakes are proven by a tap between the",
    "sides, before the rounds and with the same configuration: a server that resumes says so in clear. It was also tried that",
    "the server side refuses a client without a certificate or of another CA, and the client side a server of another CA or",
    "another name.",
    "",
    `Other programs took ${Math.round(others * 100)} % of the machine's processor time during the run.`,
  ].join("\n");
}

/** The stub resolver beside dnsmasq: queries per second by dnsperf, rounds in rotating order, one core for the stub and one for load and upstream. Not a test. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { PEERS, whichPeer } from "../../scripts/peer-list.ts";
import { freePort } from "../support/free-port.ts";
import type { Report } from "./run.ts";
import { bullets, say, scratchFolder } from "./support/contest.ts";
import { machine, packageVersion, watchOthers } from "./support/machine.ts";
import { isComplete, parseOptions, type Options } from "./support/options.ts";
import { LOAD_CORE, pinned, pinOurselves, PROXY_CORE, startDaemon } from "./support/process.ts";
import { ratiosByRound, rotate, spread, type Spread } from "./support/stats.ts";
import { figure, table } from "./support/table.ts";
import { dnsContenders, dnsFiles, NAMES, upstream, type DnsContender } from "./tproxy/dns-contenders.ts";

const ROWS = [
  { name: "local", title: "names of its own", gate: true },
  { name: "forwarded", title: "forwarded to a resolver", gate: true },
] as const;

type RowName = (typeof ROWS)[number]["name"];

/** Clients of dnsperf, and queries under way in all. */
const CLIENTS = 8;
const UNDER_WAY = 200;
/** A lost query is one that the peer's user would have had to repeat; dnsperf leaves some at its own end. */
const TOLERATED_LOSS = 0.001;

interface Sample {
  rate: number;
  /** Share of the queries. */
  lost: number;
}

type Samples = Record<RowName, Sample[]>;

/** `npm run bench -- tproxy-dns [--rounds N] [--quick] [--portail binary|source]`. */
export default async function tproxyDns(argv: string[]): Promise<Report> {
  const options = parseOptions(argv, "");
  const missing = ["dnsperf", "dnsmasq"].filter((program) => whichPeer(program) === null);
  if (missing.length > 0)
    throw new PortailError(`${missing.join(" and ")} is not installed`, {
      code: "bench.peers",
      exit: EXIT.unavailable,
      hint: "npm run peers",
    });
  pinOurselves();
  const others = watchOthers();
  const dir = scratchFolder();
  for (const [name, text] of Object.entries(dnsFiles())) writeFileSync(join(dir, name), text);
  const contenders = dnsContenders(options.command);
  const samples = new Map<DnsContender, Samples>(contenders.map((one) => [one, { local: [], forwarded: [] }]));
  const behind = freePort();
  // On the core of the load: it belongs to what is asked, not to what is measured.
  const server = await startDaemon({
    argv: ["taskset", "-c", String(LOAD_CORE), ...upstream(dir, behind)],
    port: behind,
    log: join(dir, "upstream.log"),
  });
  const direct = await measure(dir, behind, "forwarded", seconds(options));
  for (let round = 0; round < options.rounds; round++) {
    for (const contender of rotate(contenders, round)) {
      say(`round ${round + 1} of ${options.rounds}: ${contender.name}`);
      const port = freePort();
      const log = join(dir, `${contender.name}.log`);
      const daemon = await startDaemon({ argv: contender.argv(dir, port, behind), port, log });
      // The first time all names are new, and code is cold.
      for (const { name } of ROWS) await measure(dir, port, name, 1);
      for (const { name } of ROWS) samples.get(contender)![name].push(await measure(dir, port, name, seconds(options)));
      await daemon.stop();
    }
  }
  await server.stop();
  return report(argv, options, samples, direct, others());
}

const seconds = ({ quick }: Options) => (quick ? 2 : 5);

async function measure(dir: string, port: number, row: RowName, length: number): Promise<Sample> {
  const how = ["-c", String(CLIENTS), "-q", String(UNDER_WAY), "-l", String(length), "-t", "1"];
  const command = ["dnsperf", "-s", "127.0.0.1", "-p", String(port), "-d", join(dir, `${row}.queries`), ...how];
  const child = Bun.spawn(pinned(LOAD_CORE, command), { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [text, trouble] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? Number.NaN);
  const rate = number(/Queries per second:\s+([\d.]+)/);
  const sent = number(/Queries sent:\s+(\d+)/);
  const good = number(/NOERROR (\d+)/);
  const completed = number(/Queries completed:\s+(\d+)/);
  if (!(rate > 0) || good !== completed)
    throw new Error(`dnsperf against ${row} names failed: ${`${text}${trouble}`.trim().slice(-400)}`);
  return { rate, lost: number(/Queries lost:\s+(\d+)/) / sent };
}

function report(
  argv: string[],
  options: Options,
  samples: ReadonlyMap<DnsContender, Samples>,
  direct: Sample,
  others: number,
): Report {
  const [ours, theirs] = [...samples.values()] as [Samples, Samples];
  const judged = ROWS.map((row) => {
    const rates = (of: Samples) => of[row.name].map(({ rate }) => rate);
    const ratio = spread(ratiosByRound("higher", rates(ours), rates(theirs)));
    const lost = Math.max(...ours[row.name].map((one) => one.lost));
    const verdict = ratio === undefined || ratio.median < 1 || lost > TOLERATED_LOSS ? "FAIL" : "pass";
    const cells = [...samples.values()].map((of) => cell(spread(rates(of)), of[row.name]));
    return { verdict, line: [`${row.title} (queries/s)`, ...cells, shown(ratio), verdict] };
  });
  const head = ["DNS over UDP", ...[...samples.keys()].map(({ name }) => name), "ratio", "gate"];
  const notes = [...samples.keys()].map(({ name, note }) => {
    const version = name === "portail" ? "" : ` ${packageVersion(PEERS[name]) ?? ""}`;
    return `**${name}**${version}: ${note}`;
  });
  const parts = [
    "## tproxy-dns",
    introduction(argv, options, direct, others),
    table(
      head,
      judged.map(({ line }) => line),
    ),
    bullets("Who took part:", notes),
  ];
  return {
    markdown: parts.join("\n\n"),
    keep: isComplete(options, []),
    passed: judged.every(({ verdict }) => verdict === "pass"),
  };
}

function cell(rates: Spread | undefined, all: readonly Sample[]): string {
  const lost = Math.max(...all.map((one) => one.lost));
  const note = lost > TOLERATED_LOSS ? `, ${(lost * 100).toFixed(2)} % lost` : "";
  return rates === undefined ? "-" : `${figure(rates.median)} (${figure(rates.min)}..${figure(rates.max)})${note}`;
}

function shown(ratio: Spread | undefined): string {
  if (ratio === undefined) return "-";
  return `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}..${ratio.max.toFixed(2)})`;
}

function introduction(argv: string[], { subject, rounds }: Options, direct: Sample, others: number): string {
  return [
    `\`npm run bench -- tproxy-dns${argv.map((word) => ` ${word}`).join("")}\` on ${machine()}.`,
    "",
    `Portail is ${subject}. ${rounds} rounds, in which the contenders take turns, the order rotated. Each is pinned to core`,
    `${PROXY_CORE}; dnsperf, and the resolver behind them (dnsmasq), to core ${LOAD_CORE}. ${NAMES.toLocaleString("en-US")} names, ${CLIENTS} clients, ${UNDER_WAY} queries under`,
    `way. That resolver alone answers ${figure(direct.rate)} queries/s. Other programs took ${(others * 100).toFixed(0)} % of the machine. Cells are medians`,
    "(min..max), ratios those of portail to dnsmasq by round; above 1 portail is better. The gate asks for 1.00, and that no",
    "query is lost.",
  ].join("\n");
}

/** Measures one contender once: starts it fresh, puts each load on it, ends it. Knows no other contender and no round. */
import { join } from "node:path";
import type {
  BulkPlan,
  BulkResult,
  HoldPlan,
  HoldResult,
  LatencyPlan,
  LatencyResult,
  RatePlan,
  RateResult,
} from "../load/plan.ts";
import type { Route } from "../load/tunnel.ts";
import { runLoad, startLoad } from "./load.ts";
import type { Contender, Daemon, Link } from "./contender.ts";
import { cpuSecondsOf, memoryOf } from "./proc.ts";
import { freePort, startDaemon, type Running } from "./process.ts";
import type { Mode, RowName } from "./rows.ts";

/** How long and how much; times in milliseconds. */
export interface Effort {
  warmupMs: number;
  bulkMs: number;
  rateMs: number;
  echoes: number;
  tunnels: number;
  /** From start, or from the last tunnel, to the reading of memory. */
  settleMs: number;
}

export const FULL: Effort = {
  warmupMs: 1000,
  bulkMs: 3000,
  rateMs: 4000,
  echoes: 20_000,
  tunnels: 2000,
  settleMs: 2000,
};
export const QUICK: Effort = { warmupMs: 400, bulkMs: 800, rateMs: 1000, echoes: 3000, tunnels: 400, settleMs: 1500 };

export interface Measurement {
  values: Partial<Record<RowName, number>>;
  attempts: Partial<Record<RowName, Attempts>>;
  /** Why a mode has no values. */
  problems: string[];
}

export interface Attempts {
  /** Connections that were refused, lost or gave wrong bytes. */
  failed: number;
  attempted: number;
}

export interface Bench {
  dir: string;
  targetPort: number;
  effort: Effort;
}

/** A contender that runs. */
export interface Started {
  route: Route;
  /** The roots of its process trees; none for the direct connection. */
  pids: number[];
}

type Measure = (started: Started, effort: Effort, into: Measurement) => Promise<void>;

/** Modes of a line share one start, in this order; memory needs untouched processes, and resumption is another configuration. */
const STARTS: { resume: boolean; modes: [Mode, Measure][] }[] = [
  { resume: false, modes: [["memory", memory]] },
  {
    resume: false,
    modes: [
      ["latency", latency],
      ["bulk", bulk],
      ["upload", upload],
      ["rate", rate],
    ],
  },
  { resume: true, modes: [["resumed", resumed]] },
];

/** What can be said of a connection without a proxy. */
const DIRECT: ReadonlySet<Mode> = new Set<Mode>(["bulk", "upload", "rate"]);

/** Clients that connect at the same time. */
export const PARALLEL = 64;

const GENERATOR_LIMIT_MS = 30_000;
const MIB = 1024 * 1024;

/** Runs the modes asked for. Trouble with a mode is a `problem` of the measurement, so that the other contenders go on. */
export async function measure(contender: Contender, modes: ReadonlySet<Mode>, bench: Bench): Promise<Measurement> {
  const into: Measurement = { values: {}, attempts: {}, problems: [] };
  const attempt = async (name: string, body: () => Promise<void>) => {
    try {
      await body();
    } catch (error) {
      into.problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  for (const { resume, modes: possible } of STARTS) {
    const wanted = possible.filter(([mode]) => modes.has(mode) && (contender.setup !== undefined || DIRECT.has(mode)));
    if (wanted.length === 0) continue;
    await attempt("start", () =>
      withDaemons(contender, bench, { resume }, async (started) => {
        for (const [mode, load] of wanted) await attempt(mode, () => load(started, bench.effort, into));
      }),
    );
  }
  return into;
}

/** Runs `body` against a freshly started contender, and ends it whatever happens. `link` overrides what is chosen for it. */
export async function withDaemons<T>(
  contender: Contender,
  { dir, targetPort }: Bench,
  link: Partial<Link>,
  body: (started: Started) => Promise<T>,
): Promise<T> {
  if (contender.setup === undefined) {
    return body({ route: { via: contender.via, port: targetPort, targetPort }, pids: [] });
  }
  const port = freePort();
  const listen = link.listen ?? freePort();
  const { daemons, files } = contender.setup({
    port,
    targetPort,
    link: { listen, dial: link.dial ?? listen, resume: link.resume ?? false },
    dir,
  });
  for (const [name, text] of Object.entries(files)) await Bun.write(join(dir, name), text);
  const running: Running[] = [];
  try {
    for (const [index, daemon] of daemons.entries()) {
      running.push(await start(daemon, join(dir, `${contender.name}-${index}.log`), dir));
    }
    return await body({ route: { via: contender.via, port, targetPort }, pids: running.map(({ pid }) => pid) });
  } finally {
    for (const process of running.toReversed()) await process.stop();
  }
}

function start({ argv, port }: Daemon, log: string, dir: string): Promise<Running> {
  return startDaemon({ argv, port, log, env: { TMPDIR: dir } });
}

async function memory({ route, pids }: Started, effort: Effort, into: Measurement): Promise<void> {
  await Bun.sleep(effort.settleMs);
  const base = memoryOf(...pids);
  into.values["rss-base"] = base.rss / MIB;
  into.values["pss-base"] = base.pss / MIB;
  const plan: HoldPlan = { ...route, tunnels: effort.tunnels, limitMs: GENERATOR_LIMIT_MS - 5000 };
  const load = await startLoad<HoldResult>("hold", plan, GENERATOR_LIMIT_MS);
  try {
    await Bun.sleep(effort.settleMs);
    const full = memoryOf(...pids);
    const { held, failures } = load.answer;
    into.attempts["rss-tunnels"] = { failed: failures, attempted: effort.tunnels };
    if (held === 0) throw new Error("no tunnel could be opened");
    into.values["rss-tunnels"] = (full.rss - base.rss) / MIB / (held / 1000);
    into.values["pss-tunnels"] = (full.pss - base.pss) / MIB / (held / 1000);
  } finally {
    await load.stop();
  }
}

async function latency({ route }: Started, effort: Effort, into: Measurement): Promise<void> {
  const plan: LatencyPlan = { ...route, echoes: effort.echoes, warmup: 1000, limitMs: GENERATOR_LIMIT_MS / 2 };
  const { direct, proxied, echoes, failures } = await runLoad<LatencyResult>("latency", plan, GENERATOR_LIMIT_MS);
  into.attempts["latency-p50"] = { failed: failures, attempted: 1 };
  if (echoes === 0) throw new Error("the echo failed");
  into.values["latency-p50"] = proxied.p50 - direct.p50;
  into.values["latency-p99"] = proxied.p99 - direct.p99;
}

function bulk(started: Started, effort: Effort, into: Measurement): Promise<void> {
  return oneWay("bulk", started, effort, into);
}

function upload(started: Started, effort: Effort, into: Measurement): Promise<void> {
  return oneWay("upload", started, effort, into);
}

/** Both rows of a direction; the processor time is that of the two together, warm-up included, over all their bytes. */
async function oneWay(
  load: "bulk" | "upload",
  { route, pids }: Started,
  effort: Effort,
  into: Measurement,
): Promise<void> {
  let bytes = 0;
  const before = cpuSecondsOf(...pids);
  for (const connections of [1, 8] as const) {
    const plan: BulkPlan = { ...route, connections, warmupMs: effort.warmupMs, durationMs: effort.bulkMs };
    const result = await runLoad<BulkResult>(load, plan, GENERATOR_LIMIT_MS);
    bytes += result.totalBytes;
    into.attempts[`${load}-${connections}`] = { failed: result.failures, attempted: connections };
    if (result.bytesPerSecond > 0) into.values[`${load}-${connections}`] = result.bytesPerSecond / MIB;
  }
  if (pids.length === 0 || bytes === 0) return;
  into.values[`cpu-${load}`] = (cpuSecondsOf(...pids) - before) / (bytes / MIB / 1024);
}

function rate(started: Started, effort: Effort, into: Measurement): Promise<void> {
  return connections("rate", started, effort, into);
}

function resumed(started: Started, effort: Effort, into: Measurement): Promise<void> {
  return connections("resumed", started, effort, into);
}

async function connections(
  row: "rate" | "resumed",
  { route, pids }: Started,
  effort: Effort,
  into: Measurement,
): Promise<void> {
  const before = cpuSecondsOf(...pids);
  const plan: RatePlan = { ...route, parallel: PARALLEL, warmupMs: effort.warmupMs, durationMs: effort.rateMs };
  const { perSecond, total, failures } = await runLoad<RateResult>("rate", plan, GENERATOR_LIMIT_MS);
  into.attempts[row] = { failed: failures, attempted: total + failures };
  if (total === 0) throw new Error("no connection succeeded");
  into.values[row] = perSecond;
  if (pids.length > 0) into.values[`cpu-${row}`] = ((cpuSecondsOf(...pids) - before) / total) * 1e6;
}

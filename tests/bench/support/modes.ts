/** Each mode of load, put once on a contender that runs, and what is read off. Starts no contender and knows no other. */
import type {
  BulkPlan,
  BulkResult,
  DatagramPlan,
  DatagramResult,
  HoldPlan,
  HoldResult,
  LatencyPlan,
  LatencyResult,
  RatePlan,
  RateResult,
} from "../load/plan.ts";
import type { Route } from "../load/tunnel.ts";
import { runLoad, startLoad } from "./load.ts";
import { cpuSecondsOf, memoryOf } from "./proc.ts";
import type { Mode, RowName } from "./rows.ts";

/** How long and how much; times in milliseconds. */
export interface Effort {
  warmupMs: number;
  bulkMs: number;
  /**
   * Longer: a proxy runs for weeks, and a runtime that compiles what it runs often has done so after some tens of
   * thousands of connections. Peers get the same.
   */
  rateWarmupMs: number;
  rateMs: number;
  /** Round trips that come first and do not count, and those that do. */
  warmupEchoes: number;
  echoes: number;
  tunnels: number;
  /** From start, or from the last tunnel, to the reading of memory. */
  settleMs: number;
}

export const FULL: Effort = {
  warmupMs: 1000,
  bulkMs: 3000,
  rateWarmupMs: 5000,
  rateMs: 4000,
  warmupEchoes: 5000,
  echoes: 20_000,
  tunnels: 2000,
  settleMs: 2000,
};
export const QUICK: Effort = {
  warmupMs: 400,
  bulkMs: 800,
  rateWarmupMs: 1500,
  rateMs: 1000,
  warmupEchoes: 1000,
  echoes: 3000,
  tunnels: 400,
  settleMs: 1500,
};

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

/** A contender that runs. */
export interface Started {
  route: Route;
  /** The roots of its process trees; none for the direct connection. */
  pids: number[];
}

/** Puts one load on and writes what it finds into `into`. Throws where there is nothing to find. */
export type Load = (started: Started, effort: Effort, into: Measurement) => Promise<void>;

export const LOADS: Record<Mode, Load> = { memory, latency, bulk, upload, rate, resumed, datagrams };

/** Clients that connect at the same time. */
export const PARALLEL = 64;

const GENERATOR_LIMIT_MS = 30_000;
/** Tunnels that are held are all opened first, a full handshake each. */
const HOLD_LIMIT_MS = 120_000;
const MIB = 1024 * 1024;

async function memory({ route, pids }: Started, effort: Effort, into: Measurement): Promise<void> {
  await Bun.sleep(effort.settleMs);
  const base = memoryOf(...pids);
  into.values["rss-base"] = base.rss / MIB;
  into.values["pss-base"] = base.pss / MIB;
  const plan: HoldPlan = { ...route, tunnels: effort.tunnels, limitMs: HOLD_LIMIT_MS - 5000 };
  const load = await startLoad<HoldResult>("hold", plan, HOLD_LIMIT_MS);
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
  const { echoes: wanted, warmupEchoes: warmup } = effort;
  const plan: LatencyPlan = { ...route, echoes: wanted, warmup, limitMs: GENERATOR_LIMIT_MS / 2 };
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
  const { rateWarmupMs: warmupMs, rateMs: durationMs } = effort;
  const plan: RatePlan = { ...route, parallel: PARALLEL, warmupMs, durationMs, tellsWarm: true };
  const load = await startLoad<RateResult>("rate", plan, GENERATOR_LIMIT_MS);
  const before = cpuSecondsOf(...pids);
  const { perSecond, total, failures } = await load.finish();
  const spent = cpuSecondsOf(...pids) - before;
  into.attempts[row] = { failed: failures, attempted: total + failures };
  if (total === 0) throw new Error("no connection succeeded");
  into.values[row] = perSecond;
  if (pids.length > 0) into.values[`cpu-${row}`] = (spent / (total - load.answer.total)) * 1e6;
}

/** Datagrams under way on an association: few enough that no buffer of any system overflows. */
const WINDOW = 32;

async function datagrams({ route, pids }: Started, effort: Effort, into: Measurement): Promise<void> {
  let total = 0;
  const before = cpuSecondsOf(...pids);
  for (const [row, size, associations] of [
    ["udp-64", 64, 1],
    ["udp-1200", 1200, 1],
    ["udp-8x1200", 1200, 8],
  ] as const) {
    const { warmupMs, bulkMs: durationMs } = effort;
    const plan: DatagramPlan = { ...route, size, associations, window: WINDOW, warmupMs, durationMs };
    const result = await runLoad<DatagramResult>("datagrams", plan, GENERATOR_LIMIT_MS);
    total += result.total;
    into.attempts[row] = { failed: result.failures, attempted: associations };
    if (result.perSecond > 0) into.values[row] = result.perSecond;
  }
  if (pids.length > 0 && total > 0) into.values["cpu-udp"] = ((cpuSecondsOf(...pids) - before) / total) * 1e6;
}

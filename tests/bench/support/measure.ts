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
import type { Contender } from "./peers.ts";
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

const GENERATOR_LIMIT_MS = 30_000;
const MIB = 1024 * 1024;

/** Runs the modes asked for. Trouble with a mode is a `problem` of the measurement, so that the other contenders go on. */
export async function measure(contender: Contender, modes: ReadonlySet<Mode>, bench: Bench): Promise<Measurement> {
  const into: Measurement = { values: {}, attempts: {}, problems: [] };
  const attempt = async (names: string, body: () => Promise<void>) => {
    try {
      await body();
    } catch (error) {
      into.problems.push(`${names}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  if (modes.has("memory") && contender.setup !== undefined) {
    await attempt("memory", () =>
      withDaemon(contender, bench, (route, daemon) => memory(route, daemon!, bench.effort, into)),
    );
  }
  const loads: [Mode, typeof latency][] = [
    ["latency", latency],
    ["bulk", bulk],
    ["rate", rate],
  ];
  const wanted = loads.filter(([mode]) => modes.has(mode) && !(mode === "latency" && contender.setup === undefined));
  if (wanted.length === 0) return into;
  await attempt("start", () =>
    withDaemon(contender, bench, async (route, daemon) => {
      for (const [mode, load] of wanted) await attempt(mode, () => load(route, daemon, bench.effort, into));
    }),
  );
  return into;
}

/** Runs `body` against a freshly started contender, and ends it whatever happens. */
export async function withDaemon<T>(
  contender: Contender,
  { dir, targetPort }: Bench,
  body: (route: Route, daemon: Running | undefined) => Promise<T>,
): Promise<T> {
  if (contender.setup === undefined) return body({ via: contender.via, port: targetPort, targetPort }, undefined);
  const port = freePort();
  const { argv, files } = contender.setup({ port, targetPort, dir });
  for (const [name, text] of Object.entries(files)) await Bun.write(join(dir, name), text);
  const daemon = await startDaemon({ argv, port, log: join(dir, `${contender.name}.log`), env: { TMPDIR: dir } });
  try {
    return await body({ via: contender.via, port, targetPort }, daemon);
  } finally {
    await daemon.stop();
  }
}

async function memory(route: Route, daemon: Running, effort: Effort, into: Measurement): Promise<void> {
  await Bun.sleep(effort.settleMs);
  const base = memoryOf(daemon.pid);
  into.values["rss-base"] = base.rss / MIB;
  into.values["pss-base"] = base.pss / MIB;
  const plan: HoldPlan = { ...route, tunnels: effort.tunnels, limitMs: GENERATOR_LIMIT_MS - 5000 };
  const load = await startLoad<HoldResult>("hold", plan, GENERATOR_LIMIT_MS);
  try {
    await Bun.sleep(effort.settleMs);
    const full = memoryOf(daemon.pid);
    const { held, failures } = load.answer;
    into.attempts["rss-tunnels"] = { failed: failures, attempted: effort.tunnels };
    if (held === 0) throw new Error("no tunnel could be opened");
    into.values["rss-tunnels"] = (full.rss - base.rss) / MIB / (held / 1000);
    into.values["pss-tunnels"] = (full.pss - base.pss) / MIB / (held / 1000);
  } finally {
    await load.stop();
  }
}

async function latency(route: Route, _: Running | undefined, effort: Effort, into: Measurement): Promise<void> {
  const plan: LatencyPlan = { ...route, echoes: effort.echoes, warmup: 1000, limitMs: GENERATOR_LIMIT_MS / 2 };
  const { direct, proxied, echoes, failures } = await runLoad<LatencyResult>("latency", plan, GENERATOR_LIMIT_MS);
  into.attempts["latency-p50"] = { failed: failures, attempted: 1 };
  if (echoes === 0) throw new Error("the echo failed");
  into.values["latency-p50"] = proxied.p50 - direct.p50;
  into.values["latency-p99"] = proxied.p99 - direct.p99;
}

/** Both bulk rows; the processor time is that of the two together, warm-up included, over all their bytes. */
async function bulk(route: Route, daemon: Running | undefined, effort: Effort, into: Measurement): Promise<void> {
  let bytes = 0;
  const before = daemon === undefined ? 0 : cpuSecondsOf(daemon.pid);
  for (const [name, connections] of [
    ["bulk-1", 1],
    ["bulk-8", 8],
  ] as const) {
    const plan: BulkPlan = { ...route, connections, warmupMs: effort.warmupMs, durationMs: effort.bulkMs };
    const result = await runLoad<BulkResult>("bulk", plan, GENERATOR_LIMIT_MS);
    bytes += result.totalBytes;
    into.attempts[name] = { failed: result.failures, attempted: connections };
    if (result.bytesPerSecond > 0) into.values[name] = result.bytesPerSecond / MIB;
  }
  if (daemon === undefined || bytes === 0) return;
  into.values["cpu-bulk"] = (cpuSecondsOf(daemon.pid) - before) / (bytes / MIB / 1024);
}

async function rate(route: Route, daemon: Running | undefined, effort: Effort, into: Measurement): Promise<void> {
  const before = daemon === undefined ? 0 : cpuSecondsOf(daemon.pid);
  const plan: RatePlan = { ...route, parallel: 64, warmupMs: effort.warmupMs, durationMs: effort.rateMs };
  const { perSecond, total, failures } = await runLoad<RateResult>("rate", plan, GENERATOR_LIMIT_MS);
  into.attempts.rate = { failed: failures, attempted: total + failures };
  if (total === 0) throw new Error("no connection succeeded");
  into.values.rate = perSecond;
  if (daemon !== undefined) into.values["cpu-rate"] = ((cpuSecondsOf(daemon.pid) - before) / total) * 1e6;
}

/** Portail alone under thousands of connections that say nothing or a byte a second: its memory, and another client's echo. */
import type { LatencyPlan, LatencyResult, SilentPlan, SilentResult } from "../load/plan.ts";
import { runLoad, startLoad } from "./load.ts";
import { withDaemons, type Bench } from "./measure.ts";
import type { Contender } from "./contender.ts";
import { memoryOf } from "./proc.ts";
import { spread } from "./stats.ts";
import { figure, table } from "./table.ts";

/** The promises of the access proxy: bytes of RSS per held connection, and the p99 of another client's echo. */
const RSS_LIMIT_KIB = 20;
const ECHO_LIMIT_MS = 100;

const ANSWER_LIMIT_MS = 60_000;

export interface SilentMeasurement {
  held: number;
  reopened: number;
  /** KiB, at the highest of the readings. */
  rssPerConnection: number;
  echoP50: number;
  /** Milliseconds, round trip through the proxy. */
  echoP99: number;
}

/** One measurement on a fresh process. Throws when the proxy does not hold, or another client's echo fails. */
export function measureSilent(portail: Contender, bench: Bench, connections: number): Promise<SilentMeasurement> {
  return withDaemons(portail, bench, {}, async ({ route, pids }) => {
    await Bun.sleep(bench.effort.settleMs);
    const base = memoryOf(...pids).rss;
    const plan: SilentPlan = { ...route, silent: connections, dripping: connections / 10 };
    const load = await startLoad<SilentResult>("silent", plan, ANSWER_LIMIT_MS);
    let highest = 0;
    const reading = setInterval(() => (highest = Math.max(highest, memoryOf(...pids).rss)), 500);
    try {
      await Bun.sleep(bench.effort.settleMs);
      const echo: LatencyPlan = { ...route, echoes: bench.effort.echoes, warmup: 500, limitMs: ANSWER_LIMIT_MS / 2 };
      const { proxied, echoes } = await runLoad<LatencyResult>("latency", echo, ANSWER_LIMIT_MS);
      if (echoes === 0) throw new Error("another client's echo failed");
      const { held, reopened } = await load.finish();
      highest = Math.max(highest, memoryOf(...pids).rss);
      const rssPerConnection = (highest - base) / 1024 / load.answer.held;
      return { held, reopened, rssPerConnection, echoP50: proxied.p50 / 1000, echoP99: proxied.p99 / 1000 };
    } finally {
      clearInterval(reading);
      await load.stop();
    }
  });
}

/** The table of all rounds against fixed limits; the median counts. Rounds in which fewer than `wanted` were held fail. */
export function silentTable(rounds: readonly SilentMeasurement[], wanted: number): { text: string; passed: boolean } {
  const held = spread(rounds.map((round) => round.held));
  const rss = spread(rounds.map((round) => round.rssPerConnection));
  const p50 = spread(rounds.map((round) => round.echoP50));
  const p99 = spread(rounds.map((round) => round.echoP99));
  const reopened = spread(rounds.map((round) => round.reopened));
  if (held === undefined || rss === undefined || p50 === undefined || p99 === undefined || reopened === undefined) {
    return { text: "Silent clients: no data.", passed: false };
  }
  const line = (title: string, value: { median: number; min: number; max: number }, limit: string, verdict: string) => [
    title,
    `${figure(value.median)} (${figure(value.min)}..${figure(value.max)})`,
    limit,
    verdict,
  ];
  const passes = {
    // A connection that was just ended by its deadline is on its way back, so that a few may be missing.
    held: held.min >= wanted * 0.9,
    rss: rss.median < RSS_LIMIT_KIB,
    p99: p99.median < ECHO_LIMIT_MS,
  };
  const mark = (pass: boolean) => (pass ? "pass" : "FAIL");
  const rows = [
    line("connections held at the end", held, `~${figure(wanted)}`, mark(passes.held)),
    line("of them ended by portail's deadline and opened anew", reopened, "", ""),
    line("RSS per held connection (KiB)", rss, `< ${RSS_LIMIT_KIB}`, mark(passes.rss)),
    line("another client's 1-byte echo, p50 (ms)", p50, "", ""),
    line("another client's 1-byte echo, p99 (ms)", p99, `< ${ECHO_LIMIT_MS}`, mark(passes.p99)),
  ];
  return {
    text: table(["silent clients", "portail", "limit", "gate"], rows),
    passed: passes.held && passes.rss && passes.p99,
  };
}

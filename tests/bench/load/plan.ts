/** What a load generator is told and what it answers: the shapes of the JSON between it and the benchmark. It runs no load. */
import type { Route } from "./tunnel.ts";

export interface BulkPlan extends Route {
  connections: number;
  warmupMs: number;
  durationMs: number;
}

/** How long the connections of a bulk run may take to get under way. */
export const START_MS = 10_000;

export interface BulkResult {
  /** In the measured window, over all connections. */
  bytesPerSecond: number;
  /** Since the start, warm-up included: what the proxy's processor time is divided by. */
  totalBytes: number;
  failures: number;
}

export interface TapPlan {
  /** A port on loopback. */
  to: number;
}

export interface TapResult {
  /** How many connections came to each of the agreements, by {@link agreementText}. */
  agreements: Record<string, number>;
  full: number;
  resumed: number;
  /** Connections whose bytes were no TLS 1.3 handshake. */
  other: number;
}

/** Ports at which one target listens, all alike. */
export interface TargetPlan {
  ports: number;
}

export interface TargetResult {
  ports: number[];
}

export interface RatePlan extends Route {
  parallel: number;
  warmupMs: number;
  durationMs: number;
  /** Answers also when it is warm, with what it counted up to then. */
  tellsWarm?: boolean;
}

export interface RateResult {
  /** In the measured window; since the start in the answer of one that is warm. */
  perSecond: number;
  /** Since the start, warm-up included. */
  total: number;
  failures: number;
}

export interface LatencyPlan extends Route {
  /** Measured round trips on each of the two connections; the warm-up comes on top. */
  echoes: number;
  warmup: number;
  limitMs: number;
}

export interface Percentiles {
  p50: number;
  p99: number;
}

/** Microseconds. */
export interface LatencyResult {
  direct: Percentiles;
  proxied: Percentiles;
  /** Measured round trips; fewer than planned when the time limit came first. */
  echoes: number;
  failures: number;
}

export interface DatagramPlan extends Route {
  associations: number;
  /** Bytes of each datagram, without the header of SOCKS5. */
  size: number;
  /** Datagrams under way on each association. */
  window: number;
  warmupMs: number;
  durationMs: number;
}

export interface DatagramResult {
  /** Datagrams that came back, in the measured window. */
  perSecond: number;
  /** Since the start, warm-up included. */
  total: number;
  /** Datagrams that did not come back. */
  lost: number;
  /** Associations that were refused. */
  failures: number;
}

export interface HoldPlan extends Route {
  tunnels: number;
  limitMs: number;
}

export interface HoldResult {
  held: number;
  failures: number;
}

export interface SilentPlan extends Route {
  /** Connections that never say a word. */
  silent: number;
  /** Connections that send a request at one byte per second. */
  dripping: number;
}

export interface SilentResult {
  held: number;
  /** Connections that the proxy ended, each of which was opened anew. */
  reopened: number;
}

/** The plan from the command line: one JSON value, written by the benchmark itself. */
export function readPlan<T>(): T {
  return JSON.parse(process.argv[2] ?? "null") as T;
}

/** One line of JSON on standard output. */
export function answer(result: unknown): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

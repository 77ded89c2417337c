/** The rows of the proxy benchmark: what is measured, in which unit, and which direction is better. Measures nothing. */
import type { Direction } from "./stats.ts";

export type Mode = "memory" | "latency" | "bulk" | "rate";

export interface Row {
  name: string;
  title: string;
  unit: string;
  better: Direction;
  /** Whether portail must be at least as good as the best peer. */
  gate: boolean;
  mode: Mode;
}

export const ROWS = [
  row("bulk-1", "bulk, 1 connection", "MiB/s", "higher", true, "bulk"),
  row("bulk-8", "bulk, 8 connections", "MiB/s", "higher", true, "bulk"),
  row("rate", "new connections, 64 parallel", "1/s", "higher", true, "rate"),
  row("latency-p50", "added latency, 1-byte echo, p50", "µs", "lower", true, "latency"),
  row("latency-p99", "added latency, 1-byte echo, p99", "µs", "lower", true, "latency"),
  row("rss-base", "RSS, no connection", "MiB", "lower", true, "memory"),
  row("rss-tunnels", "RSS per 1,000 idle tunnels", "MiB", "lower", true, "memory"),
  row("cpu-bulk", "processor time, bulk", "s/GiB", "lower", true, "bulk"),
  row("cpu-rate", "processor time, new connections", "µs each", "lower", false, "rate"),
  row("pss-base", "PSS, no connection", "MiB", "lower", false, "memory"),
  row("pss-tunnels", "PSS per 1,000 idle tunnels", "MiB", "lower", false, "memory"),
] as const;

export type RowName = (typeof ROWS)[number]["name"];

function row<Name extends string>(
  name: Name,
  title: string,
  unit: string,
  better: Direction,
  gate: boolean,
  mode: Mode,
): Row & { name: Name } {
  return { name, title, unit, better, gate, mode };
}

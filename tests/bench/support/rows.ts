/** The rows of the proxy benchmarks: what is measured, in which unit, and which direction is better. Measures nothing. */
import type { Direction } from "./stats.ts";

export type Mode = "memory" | "latency" | "bulk" | "upload" | "rate" | "resumed" | "datagrams";

export interface Row {
  name: string;
  title: string;
  unit: string;
  better: Direction;
  /** Whether portail must be at least as good as the best peer. */
  gate: boolean;
  /** The ratio that is hoped for; short of it nothing fails. */
  goal?: number | undefined;
  /** The names of the peers that count; all of them where it is absent. */
  against?: readonly string[];
  mode: Mode;
}

/** Of the access proxy. */
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

/** Of what else may stand in front of the access proxy, or behind it. */
export const FRONT_ROWS = [
  row("bulk-1", "bulk, 1 connection", "MiB/s", "higher", true, "bulk"),
  row("bulk-8", "bulk, 8 connections", "MiB/s", "higher", true, "bulk"),
  row("rate", "new connections, 64 parallel", "1/s", "higher", true, "rate"),
  row("latency-p50", "added latency, 1-byte echo, p50", "µs", "lower", true, "latency"),
  row("latency-p99", "added latency, 1-byte echo, p99", "µs", "lower", false, "latency"),
  row("rss-tunnels", "RSS per 1,000 idle tunnels", "MiB", "lower", false, "memory"),
  row("cpu-bulk", "processor time, bulk", "s/GiB", "lower", false, "bulk"),
  row("cpu-rate", "processor time, new connections", "µs each", "lower", false, "rate"),
] as const;

/** Of the mTLS tunnel. `bulk` is the download, from the target to the client. */
export const TUNNEL_ROWS = [
  row("bulk-1", "download, 1 connection", "MiB/s", "higher", true, "bulk", 1.5),
  row("bulk-8", "download, 8 connections", "MiB/s", "higher", true, "bulk", 1.5),
  row("upload-1", "upload, 1 connection", "MiB/s", "higher", true, "upload", 1.5),
  row("upload-8", "upload, 8 connections", "MiB/s", "higher", true, "upload", 1.5),
  row("rate", "full handshakes, 64 parallel", "1/s", "higher", true, "rate", 1.2),
  row("resumed", "resumed handshakes, 64 parallel", "1/s", "higher", false, "resumed"),
  row("latency-p50", "added latency, 1-byte echo, p50", "µs", "lower", false, "latency"),
  row("latency-p99", "added latency, 1-byte echo, p99", "µs", "lower", false, "latency", 1),
  row("rss-base", "RSS, no connection", "MiB", "lower", false, "memory"),
  row("rss-tunnels", "RSS per 1,000 idle tunnels", "MiB", "lower", false, "memory"),
  row("cpu-bulk", "processor time, download", "s/GiB", "lower", false, "bulk"),
  row("cpu-upload", "processor time, upload", "s/GiB", "lower", false, "upload"),
  row("cpu-rate", "processor time, full handshakes", "µs each", "lower", false, "rate"),
  row("cpu-resumed", "processor time, resumed handshakes", "µs each", "lower", false, "resumed"),
  row("pss-base", "PSS, no connection", "MiB", "lower", false, "memory"),
  row("pss-tunnels", "PSS per 1,000 idle tunnels", "MiB", "lower", false, "memory"),
] as const;

/** Of a tunnel whose key is in a token. */
export const TOKEN_ROWS = [
  row("rate", "full handshakes, 64 parallel", "1/s", "higher", false, "rate"),
  row("bulk-1", "download, 1 connection", "MiB/s", "higher", false, "bulk"),
  row("bulk-8", "download, 8 connections", "MiB/s", "higher", false, "bulk"),
  row("cpu-rate", "processor time, full handshakes", "µs each", "lower", false, "rate"),
  row("cpu-bulk", "processor time, download", "s/GiB", "lower", false, "bulk"),
] as const;

/** Beside all peers. */
export const NEW_CONNECTIONS = row("rate", "new connections, 64 parallel", "1/s", "higher", true, "rate");

/** Of the multiplexer. HAProxy is to be reached in new connections, and counts in all else. */
export const MUX_ROWS = [
  row("bulk-1", "download, 1 connection", "MiB/s", "higher", true, "bulk"),
  row("bulk-8", "download, 8 connections", "MiB/s", "higher", true, "bulk"),
  row("upload-1", "upload, 1 connection", "MiB/s", "higher", true, "upload"),
  row("upload-8", "upload, 8 connections", "MiB/s", "higher", true, "upload"),
  { ...NEW_CONNECTIONS, against: ["nginx", "sslh", "sslh-select"] },
  row("latency-p50", "added latency, 1-byte echo, p50", "µs", "lower", false, "latency"),
  row("latency-p99", "added latency, 1-byte echo, p99", "µs", "lower", false, "latency"),
  row("rss-base", "RSS, no connection", "MiB", "lower", false, "memory"),
  row("rss-tunnels", "RSS per 1,000 idle connections", "MiB", "lower", false, "memory"),
  row("cpu-bulk", "processor time, download", "s/GiB", "lower", false, "bulk"),
  row("cpu-upload", "processor time, upload", "s/GiB", "lower", false, "upload"),
  row("cpu-rate", "processor time, new connections", "µs each", "lower", false, "rate"),
] as const;

/** Of UDP associations. What comes back is counted; each has passed the proxy twice. */
export const UDP_ROWS = [
  row("udp-64", "datagrams of 64 bytes, 1 association", "1/s", "higher", true, "datagrams"),
  row("udp-1200", "datagrams of 1,200 bytes, 1 association", "1/s", "higher", true, "datagrams"),
  row("udp-8x1200", "datagrams of 1,200 bytes, 8 associations", "1/s", "higher", true, "datagrams"),
  row("cpu-udp", "processor time, datagrams", "µs each", "lower", false, "datagrams"),
] as const;

export type RowName = (
  typeof ROWS | typeof FRONT_ROWS | typeof TUNNEL_ROWS | typeof UDP_ROWS | typeof MUX_ROWS
)[number]["name"];
export type NamedRow = Row & { name: RowName };

function row<Name extends string>(
  name: Name,
  title: string,
  unit: string,
  better: Direction,
  gate: boolean,
  mode: Mode,
  goal?: number,
): Row & { name: Name } {
  return { name, title, unit, better, gate, mode, ...(goal === undefined ? {} : { goal }) };
}

/** What the status page shows of a daemon's metrics, by their names: a daemon has of it what it counts. Reads no metric. */
import type { Labels } from "../service/metrics.ts";

export type Unit = "count" | "bytes" | "share";

/** The sum of all values of a metric that have these labels. */
export interface Source {
  readonly metric: string;
  readonly where?: Labels;
}

/** One number of the whole daemon, with its past. */
export interface Tile {
  readonly title: string;
  readonly type: "counter" | "gauge";
  readonly unit: Unit;
  /** Those that there are count together. */
  readonly of: readonly Source[];
  /** A gauge that bounds it. */
  readonly most?: string;
}

export interface Column extends Source {
  readonly title: string;
  readonly unit: "count" | "bytes" | "up";
}

/** A table with a line for each value of the labels `by`. */
export interface Panel {
  readonly title: string;
  /** What has a line, as the head of the first column. */
  readonly each: string;
  readonly by: readonly string[];
  /** What is drawn: how fast it grows. */
  readonly drawn: Source;
  readonly columns: readonly Column[];
}

export const TILES: readonly Tile[] = [
  { title: "Open connections", type: "gauge", unit: "count", of: [{ metric: "connections_open" }] },
  { title: "New connections", type: "counter", unit: "count", of: [{ metric: "connections_total" }] },
  { title: "Queries", type: "counter", unit: "count", of: [{ metric: "dns_queries_total" }] },
  {
    title: "Denied",
    type: "counter",
    unit: "count",
    of: [
      { metric: "decisions_total", where: { outcome: "deny" } },
      { metric: "decisions_total", where: { outcome: "challenge" } },
    ],
  },
  {
    title: "From clients",
    type: "counter",
    unit: "bytes",
    of: [
      { metric: "relayed_bytes_total", where: { from: "client" } },
      { metric: "upstream_bytes_total", where: { direction: "sent" } },
      { metric: "plaintext_bytes_total", where: { direction: "encrypted" } },
    ],
  },
  {
    title: "To clients",
    type: "counter",
    unit: "bytes",
    of: [
      { metric: "relayed_bytes_total", where: { from: "target" } },
      { metric: "upstream_bytes_total", where: { direction: "received" } },
      { metric: "plaintext_bytes_total", where: { direction: "decrypted" } },
    ],
  },
  { title: "Processor", type: "counter", unit: "share", of: [{ metric: "cpu_seconds_total" }] },
  { title: "Memory", type: "gauge", unit: "bytes", of: [{ metric: "resident_memory_bytes" }] },
  { title: "Open files", type: "gauge", unit: "count", of: [{ metric: "open_fds" }], most: "max_fds" },
];

const TRAFFIC: readonly Column[] = [
  { title: "From clients", metric: "relayed_bytes_total", where: { from: "client" }, unit: "bytes" },
  { title: "To clients", metric: "relayed_bytes_total", where: { from: "target" }, unit: "bytes" },
];

/** Routes and rules are counted alike (lib/service/carried-metrics.ts). */
function carried(title: string, label: string): Panel {
  const chosen = `${label}_connections_total`;
  return {
    title,
    each: label === "route" ? "Route" : "Rule",
    by: [label],
    drawn: { metric: chosen },
    columns: [
      { title: "Open", metric: "connections_open", unit: "count" },
      { title: "Connections", metric: chosen, unit: "count" },
      { title: "Refused", metric: `${label}_refused_total`, unit: "count" },
      ...TRAFFIC,
    ],
  };
}

export const PANELS: readonly Panel[] = [
  {
    title: "Decisions by policy",
    each: "Policy",
    by: ["policy"],
    drawn: { metric: "policy_decisions_total" },
    columns: [{ title: "Decisions", metric: "policy_decisions_total", unit: "count" }],
  },
  {
    title: "Decisions by outcome",
    each: "Outcome",
    by: ["outcome"],
    drawn: { metric: "decisions_total" },
    columns: [{ title: "Decisions", metric: "decisions_total", unit: "count" }],
  },
  carried("Routes", "route"),
  carried("Rules", "rule"),
  {
    title: "Tunnels",
    each: "Tunnel",
    by: ["tunnel"],
    drawn: { metric: "connections_total" },
    columns: [
      { title: "Open", metric: "connections_open", unit: "count" },
      { title: "Connections", metric: "connections_total", unit: "count" },
      { title: "Failed", metric: "handshakes_total", where: { outcome: "failed" }, unit: "count" },
      ...TRAFFIC,
    ],
  },
  {
    title: "Requests",
    each: "Request",
    by: ["operation", "outcome"],
    drawn: { metric: "requests_total" },
    columns: [{ title: "Requests", metric: "requests_total", unit: "count" }],
  },
  {
    title: "Backends",
    each: "Backend",
    by: ["backend"],
    drawn: { metric: "backend_attempts_total" },
    columns: [
      { title: "State", metric: "backend_healthy", unit: "up" },
      { title: "Connections", metric: "backend_attempts_total", unit: "count" },
      { title: "Failures", metric: "backend_failures_total", unit: "count" },
    ],
  },
  {
    title: "Targets that are checked",
    each: "Target",
    by: ["route", "target"],
    drawn: { metric: "target_check_failures_total" },
    columns: [
      { title: "State", metric: "target_up", unit: "up" },
      { title: "Checks", metric: "target_checks_total", unit: "count" },
      { title: "Failures", metric: "target_check_failures_total", unit: "count" },
    ],
  },
  {
    title: "Answers",
    each: "Answer",
    by: ["kind"],
    drawn: { metric: "dns_answers_total" },
    columns: [{ title: "Answers", metric: "dns_answers_total", unit: "count" }],
  },
];

/** What went wrong: each value that is not zero has a line, named by these words and the metric's labels. */
export const ERRORS: readonly (Source & { readonly words: string })[] = [
  { metric: "refused_total", words: "Refused" },
  { metric: "rejects_total", words: "Without a decision" },
  { metric: "connections_refused_total", words: "Turned away at a limit" },
  { metric: "handshakes_total", where: { outcome: "failed" }, words: "Handshake" },
  { metric: "handshakes_total", where: { outcome: "timeout" }, words: "Handshake" },
  { metric: "dial_errors_total", words: "Connecting" },
  { metric: "dns_errors_total", words: "Resolving" },
  { metric: "dns_dropped_total", words: "Query without an answer" },
  { metric: "names_exhausted_total", words: "Name without an address" },
  { metric: "udp_dropped_total", words: "Datagram dropped" },
  { metric: "provider_errors_total", words: "Provider" },
  { metric: "troubles_total", words: "Request" },
  { metric: "audit_lost_lines_total", words: "Audit line lost" },
  { metric: "held_connections_closed_total", words: "Closed, as the audit could not be written" },
  { metric: "reloads_total", where: { outcome: "kept" }, words: "Reload" },
];

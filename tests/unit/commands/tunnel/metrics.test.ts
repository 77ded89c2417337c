/** The counts of tunnels under portail's names and under ghostunnel's, in all forms. */
import { describe, expect, test } from "bun:test";
import { GhostunnelMetrics } from "../../../../commands/tunnel/ghostunnel-metrics.ts";
import { TunnelMetrics } from "../../../../commands/tunnel/metrics.ts";
import { Registry } from "../../../../lib/service/metrics.ts";
import { asking } from "../../../support/asking.ts";
import { leaveOut, missing } from "../../../support/needs.ts";
import { parseExposition, PROMETHEUS } from "../../../support/prometheus.ts";

/** Two tunnels; three handshakes of 10, 20 and 30 ms, and a connection of an hour. */
function filled() {
  const metrics = new TunnelMetrics();
  const [mysql, psql] = [metrics.tunnel("mysql"), metrics.tunnel("psql")];
  Object.assign(mysql, { open: 2, accepted: 5, succeeded: 2, failed: 1, late: 1, cut: 1 });
  Object.assign(psql, { open: 1, accepted: 1, succeeded: 1 });
  mysql.handshaken(10);
  mysql.handshaken(30);
  psql.handshaken(20);
  psql.ended(3_600_000);
  return metrics;
}

const SINGLES = {
  "conn.open": 3,
  "conn.timeout": 1,
  "accept.total": 6,
  "accept.success": 3,
  "accept.error": 1,
  "accept.timeout": 1,
};
const HANDSHAKE = {
  "conn.handshake.count": 3,
  "conn.handshake.min": 10e6,
  "conn.handshake.max": 30e6,
  "conn.handshake.mean": 20e6,
  "conn.handshake.50-percentile": 20e6,
  "conn.handshake.75-percentile": 30e6,
  "conn.handshake.95-percentile": 30e6,
  "conn.handshake.99-percentile": 30e6,
};
const LIFETIME = Object.fromEntries(
  ["count", "min", "max", "mean", "50-percentile", "75-percentile", "95-percentile", "99-percentile"].map((part) => [
    `conn.lifetime.${part}`,
    part === "count" ? 1 : 3600e9,
  ]),
);

function prefixed(prefix: string, values: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}.${name}`, value]));
}

describe("ghostunnel's names", () => {
  test("as JSON: a list with time and host, durations in nanoseconds", () => {
    const before = Math.floor(Date.now() / 1000);
    const list = JSON.parse(new GhostunnelMetrics(filled(), "ghostunnel").json());
    const values = Object.fromEntries(
      list.map(({ metric, value }: { metric: string; value: number }) => [metric, value]),
    );
    expect(values).toEqual(prefixed("ghostunnel", { ...SINGLES, ...HANDSHAKE, ...LIFETIME }));
    for (const { timestamp, hostname, ...rest } of list) {
      expect(timestamp).toBeGreaterThanOrEqual(before);
      expect(Number.isInteger(timestamp)).toBe(true);
      expect(hostname).not.toBe("");
      expect(Object.keys(rest)).toEqual(["metric", "value"]);
    }
  });

  test("of nothing are zeros, and whole numbers stand without a fraction", () => {
    const text = new GhostunnelMetrics(new TunnelMetrics(), "ghostunnel").json();
    expect(JSON.parse(text).map(({ value }: { value: number }) => value)).toEqual(Array(22).fill(0));
    expect(text).toContain('"value":0,');
  });

  test("for Graphite: a line each, single values as .count", () => {
    const lines = new GhostunnelMetrics(filled(), "dc1.tunnel-3").graphite().trimEnd().split("\n");
    const counts = Object.fromEntries(Object.entries(SINGLES).map(([name, value]) => [`${name}.count`, value]));
    const values = Object.fromEntries(
      lines.map((line) => {
        expect(line).toMatch(/^\S+ \d+(?:\.\d+)? \d{10}$/);
        return [line.split(" ")[0], Number(line.split(" ")[1])];
      }),
    );
    expect(values).toEqual(prefixed("dc1.tunnel-3", { ...counts, ...HANDSHAKE, ...LIFETIME }));
  });

  test("on the status listener: three paths, and the format in the query", async () => {
    const metrics = new GhostunnelMetrics(filled(), "ghostunnel");
    const routes = metrics.routes();
    const ask = (path: string, query = "") => routes.get(path)!.answer(new URLSearchParams(query), asking());
    expect([...routes.keys()]).toEqual(["/_metrics", "/_metrics/json", "/_metrics/prometheus"]);
    expect(await ask("/_metrics")).toMatchObject({ status: 200, type: "application/json" });
    expect(await ask("/_metrics", "format=json")).toEqual(await ask("/_metrics/json"));
    expect(await ask("/_metrics", "format=prometheus")).toEqual(await ask("/_metrics/prometheus"));
    expect(await ask("/_metrics", "format=xml")).toMatchObject({ status: 400 });
  });
});

const absent = missing([PROMETHEUS]);
if (absent.length > 0) leaveOut("the parser of Prometheus reads the metrics of a tunnel", absent);
else {
  test("ghostunnel's names for Prometheus: underscores for dots and dashes, summaries in nanoseconds", async () => {
    const read = await parseExposition(new GhostunnelMetrics(filled(), "my-team.ghost").prometheus());
    const types = Object.fromEntries([...read].map(([name, { type }]) => [name, type]));
    expect(types).toMatchObject({
      my_team_ghost_conn_open: "gauge",
      my_team_ghost_conn_timeout: "counter",
      my_team_ghost_accept_success: "counter",
      my_team_ghost_accept_error: "counter",
      my_team_ghost_accept_timeout: "counter",
      my_team_ghost_conn_handshake: "summary",
      my_team_ghost_conn_lifetime: "summary",
    });
    const samples = [...read.values()].flatMap(({ samples }) => samples);
    const value = (name: string, labels = {}) =>
      samples.find((sample) => sample.name === name && Bun.deepEquals(sample.labels, labels))?.value;
    expect(value("my_team_ghost_accept_total")).toBe("6.0");
    expect(value("my_team_ghost_conn_handshake", { quantile: "0.5" })).toBe("20000000.0");
    expect(value("my_team_ghost_conn_handshake_count")).toBe("3.0");
    expect(value("my_team_ghost_conn_lifetime_sum")).toBe("3600000000000.0");
  });

  test("portail's names: by tunnel, in seconds", async () => {
    const registry = new Registry("portail");
    filled().register(registry);
    const read = await parseExposition(registry.expose());
    const sampleOf = (family: string, name: string, labels: Record<string, string>) =>
      read.get(family)!.samples.find((sample) => sample.name === name && Bun.deepEquals(sample.labels, labels))?.value;
    expect(sampleOf("portail_connections", "portail_connections_total", { tunnel: "mysql" })).toBe("5.0");
    expect(sampleOf("portail_connections_open", "portail_connections_open", { tunnel: "psql" })).toBe("1.0");
    expect(sampleOf("portail_handshakes", "portail_handshakes_total", { tunnel: "mysql", outcome: "timeout" })).toBe(
      "1.0",
    );
    const family = "portail_handshake_seconds";
    expect(sampleOf(family, `${family}_bucket`, { tunnel: "mysql", le: "0.01" })).toBe("1.0");
    expect(sampleOf(family, `${family}_bucket`, { tunnel: "mysql", le: "+Inf" })).toBe("2.0");
    expect(sampleOf(family, `${family}_sum`, { tunnel: "mysql" })).toBe("0.04");
    expect(read.get("portail_connection_seconds")!.type).toBe("histogram");
  });
}

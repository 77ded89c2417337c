/** The metrics of `portail socks`: read from what the proxy has when somebody looks. */
import { addContextMetrics } from "../../lib/context/counts.ts";
import type { Backend } from "../../lib/net/backend.ts";
import { abandonedDials } from "../../lib/net/dial.ts";
import type { Health } from "../../lib/net/health.ts";
import { Registry, type Labels } from "../../lib/service/metrics.ts";
import { addDatagramMetrics } from "./association-counts.ts";
import type { Counts } from "./counts.ts";
import type { Backends } from "./exits.ts";
import type { Meters } from "./meters.ts";
import type { Proxy } from "./proxy.ts";

/** A registry with them. */
export function proxyMetrics(proxy: Proxy): Registry {
  const registry = new Registry("portail");
  addConnections(registry, proxy);
  addDecisions(registry, proxy);
  addQueues(registry, proxy);
  if (proxy.meters !== undefined) addLatencies(registry, proxy.meters);
  if (proxy.settings.udp !== undefined) addDatagramMetrics(registry, proxy.counts.datagrams);
  if (proxy.settings.context !== undefined) addContextMetrics(registry, proxy.contextCounts);
  if (proxy.backends.all.size > 0) addBackends(registry, proxy.backends);
  addHttp2(registry, proxy.counts.http2);
  return registry;
}

/** Names are the operator's. */
function addBackends(registry: Registry, { all }: Backends): void {
  const each = (value: (backend: Backend) => number) => () =>
    Array.from(all, ([name, backend]) => [{ backend: name }, value(backend)] as const);
  registry.read(
    "counter",
    "backend_attempts_total",
    "Connections that were asked of the backend",
    each(({ counts }) => counts.attempts),
  );
  registry.read(
    "counter",
    "backend_failures_total",
    "Connections that the backend did not open",
    each(({ counts }) => counts.failed),
  );
  registry.read(
    "gauge",
    "backend_healthy",
    "Whether requests are sent there",
    each(({ isUsed }) => (isUsed ? 1 : 0)),
  );
  registry.read(
    "gauge",
    "backend_http2_connections_open",
    "Connections to the backend over HTTP/2",
    each(({ http2 }) => http2.connections),
  );
  registry.read(
    "gauge",
    "backend_http2_tunnels_open",
    "Tunnels in them",
    each(({ http2 }) => http2.tunnels),
  );
  if ([...all.values()].some(({ health }) => health !== undefined)) addHealth(registry, all);
}

/** Of those that are checked. */
function addHealth(registry: Registry, all: Backends["all"]): void {
  const each = (value: (health: Health) => number) => () =>
    [...all].flatMap(([name, { health }]) =>
      health === undefined ? [] : [[{ backend: name }, value(health)] as const],
    );
  registry.read(
    "gauge",
    "backend_up",
    "Whether the backend is up by its checks",
    each(({ trouble }) => (trouble === undefined ? 1 : 0)),
  );
  registry.read(
    "counter",
    "backend_checks_total",
    "Checks of the backend",
    each(({ counts }) => counts.checks),
  );
  registry.read(
    "counter",
    "backend_check_failures_total",
    "Checks of the backend that failed",
    each(({ counts }) => counts.failed),
  );
}

function addHttp2(registry: Registry, counts: Counts["http2"]): void {
  registry.read("counter", "http2_connections_total", "Clients that spoke HTTP/2", () => counts.connections);
  registry.read("counter", "http2_streams_total", "Requests of theirs", () => counts.streams);
  registry.read("gauge", "http2_streams_open", "Requests of theirs that are under way", () => counts.open);
}

function addConnections(registry: Registry, proxy: Proxy): void {
  const { counts } = proxy;
  registry.read("counter", "connections_total", "Clients that came in", () => proxy.sessions);
  registry.read("counter", "connections_refused_total", "Clients turned away at the limit of open files", () => {
    return counts.turnedAway;
  });
  registry.read("gauge", "connections_open", "Clients that are connected", () => proxy.open.size);
  registry.read("counter", "tunnels_total", "Connections to targets, of tunnels and forwarded requests", () => {
    return counts.tunnels;
  });
  registry.read("gauge", "tunnels_open", "Requests that are decided, dialled or open", () => proxy.places.open);
  registry.read("gauge", "tunnels_max", "How many of these may be at a time", () => proxy.settings.limits.total);
  registry.read("counter", "ends_total", "Ends of what was allowed, by reason", () => labelled("reason", counts.ends));
  registry.read("counter", "upstream_bytes_total", "Bytes sent to and received from targets", () => {
    return labelled("direction", Object.entries(counts.moved));
  });
}

function addDecisions(registry: Registry, proxy: Proxy): void {
  const { counts } = proxy;
  registry.read("counter", "decisions_total", "Decisions of the policy, by outcome", () => {
    return labelled("outcome", Object.entries(counts.decisions));
  });
  registry.read("counter", "decision_reasons_total", "The same by reason", () => labelled("reason", counts.reasons));
  registry.read("counter", "policy_decisions_total", "The same by policy; default is the denial at the end", () => {
    return labelled("policy", counts.policies);
  });
  registry.read("counter", "rejects_total", "Clients that came to no decision, by reason", () => {
    return labelled("reason", counts.rejects);
  });
  registry.read("gauge", "policies", "Policies in force", () => proxy.policy.policyCount);
}

function addQueues(registry: Registry, proxy: Proxy): void {
  registry.read(
    "gauge",
    "requests_awaited",
    "Clients that have yet to state their request",
    () => proxy.deadlines.size,
  );
  registry.read("gauge", "passwords_waiting", "Passwords that wait for their turn to be checked", () => {
    return proxy.users?.waiting ?? 0;
  });
  registry.read(
    "gauge",
    "dials_abandoned",
    "Attempts to connect that were given up and still hold a descriptor",
    () => {
      return abandonedDials();
    },
  );
}

function addLatencies(registry: Registry, meters: Meters): void {
  registry.add("policy_evaluation_seconds", "Time of one evaluation of the policy", meters.evaluation);
  registry.add("dns_seconds", "Time until a name was resolved, or was not", meters.dns);
  registry.members("dns_errors_total", "Names that were not resolved, by class", "counter", () => {
    return meters.dnsErrors.instruments();
  });
  registry.read("gauge", "dns_pending", "Names that are being resolved", () => meters.resolving);
  registry.add("dial_seconds", "Time until a connection to a target was open", meters.dial);
  registry.members("dial_errors_total", "Connections that did not come about, by class", "counter", () => {
    return meters.dialErrors.instruments();
  });
  registry.read("gauge", "dials_pending", "Connections that are being opened", () => meters.dialling);
}

function labelled(label: string, values: Iterable<readonly [string, number]>): (readonly [Labels, number])[] {
  return Array.from(values, ([value, count]) => [{ [label]: value }, count]);
}

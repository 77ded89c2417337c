/** The metrics of `portail socks`: read from what the proxy has when somebody looks. */
import type { AuditSink } from "../../lib/audit/sink.ts";
import { addContextMetrics } from "../../lib/context/counts.ts";
import { Registry, type Labels } from "../../lib/service/metrics.ts";
import { addDatagramMetrics } from "./association-counts.ts";
import type { Proxy } from "./proxy.ts";

/** A registry with them; `sink` is the audit, where there is one. */
export function proxyMetrics(proxy: Proxy, sink: AuditSink | undefined): Registry {
  const registry = new Registry("portail");
  const { counts } = proxy;
  registry.read("counter", "connections_total", "Clients that came in", () => proxy.sessions);
  registry.read("counter", "connections_refused_total", "Clients turned away at the limit of open files", () => {
    return counts.turnedAway;
  });
  registry.read("gauge", "connections_open", "Clients that are connected", () => proxy.open);
  registry.read("gauge", "tunnels_open", "Requests that are decided, dialled or open", () => proxy.places.open);
  registry.read("gauge", "tunnels_max", "How many of these may be at a time", () => proxy.settings.limits.total);
  registry.read("counter", "decisions_total", "Decisions of the policy, by outcome", () => {
    return labelled("outcome", Object.entries(counts.decisions));
  });
  registry.read("counter", "rejects_total", "Clients that came to no decision, by reason", () => {
    return labelled("reason", counts.rejects);
  });
  registry.read("counter", "ends_total", "Ends of what was allowed, by reason", () => labelled("reason", counts.ends));
  registry.read("counter", "upstream_bytes_total", "Bytes sent to and received from targets", () => {
    return labelled("direction", Object.entries(counts.moved));
  });
  if (proxy.settings.udp !== undefined) addDatagramMetrics(registry, counts.datagrams);
  registry.read("gauge", "policies", "Policies in force", () => proxy.policy.policyCount);
  if (proxy.settings.context !== undefined) addContextMetrics(registry, proxy.contextCounts);
  if (sink !== undefined) {
    registry.read("counter", "audit_lost_lines_total", "Audit lines that could not be written", () => sink.lost);
  }
  return registry;
}

function labelled(label: string, values: Iterable<readonly [string, number]>): (readonly [Labels, number])[] {
  return Array.from(values, ([value, count]) => [{ [label]: value }, count]);
}

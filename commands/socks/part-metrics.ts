/** Metrics of parts that a proxy need not have: providers, backends, UDP, HTTP/2. Each part gives its numbers; names and texts are here. */
import type { Labels, Registry } from "../../lib/service/metrics.ts";

/** All counted since the start; `name` is the operator's. */
export interface ProviderNumbers {
  readonly name: string;
  readonly lookups: number;
  readonly hits: number;
  readonly misses: number;
  readonly errors: number;
}

export interface BackendNumbers {
  readonly name: string;
  readonly opened: number;
  readonly failures: number;
  /** Whether requests are sent there now. */
  readonly healthy: boolean;
}

export interface UdpNumbers {
  readonly open: number;
  readonly associations: number;
  readonly sent: number;
  readonly received: number;
  /** Datagrams that were dropped, by reason; reasons are words of the program. */
  readonly dropped: Iterable<readonly [string, number]>;
}

export interface Http2Numbers {
  readonly connections: number;
  readonly streams: number;
  readonly streamsOpen: number;
}

/** Adds a part's metrics, once; called when somebody may look, and never otherwise. */
export type Part = (registry: Registry) => void;

export function providerMetrics(read: () => Iterable<ProviderNumbers>): Part {
  return (registry) => {
    const of = (field: "lookups" | "hits" | "misses" | "errors") => () =>
      named("provider", read(), (one) => one[field]);
    registry.read("counter", "provider_lookups_total", "Questions to the provider itself", of("lookups"));
    registry.read("counter", "provider_cache_hits_total", "Facts that were still known", of("hits"));
    registry.read("counter", "provider_cache_misses_total", "Facts that were not", of("misses"));
    registry.read("counter", "provider_errors_total", "Questions that came to nothing", of("errors"));
  };
}

export function backendMetrics(read: () => Iterable<BackendNumbers>): Part {
  return (registry) => {
    registry.read("counter", "backend_connections_total", "Connections opened through the backend", () => {
      return named("backend", read(), ({ opened }) => opened);
    });
    registry.read("counter", "backend_failures_total", "Connections that the backend did not open", () => {
      return named("backend", read(), ({ failures }) => failures);
    });
    registry.read("gauge", "backend_healthy", "Whether requests are sent there", () => {
      return named("backend", read(), ({ healthy }) => (healthy ? 1 : 0));
    });
  };
}

export function udpMetrics(read: () => UdpNumbers): Part {
  return (registry) => {
    registry.read("gauge", "udp_associations_open", "UDP associations that are open", () => read().open);
    registry.read("counter", "udp_associations_total", "UDP associations since the start", () => read().associations);
    registry.read("counter", "udp_datagrams_total", "Datagrams to and from targets", () => {
      const { sent, received } = read();
      return [
        [{ direction: "sent" }, sent],
        [{ direction: "received" }, received],
      ] as const;
    });
    registry.read("counter", "udp_dropped_datagrams_total", "Datagrams that went nowhere, by reason", () => {
      return Array.from(read().dropped, ([reason, count]) => [{ reason }, count] as const);
    });
  };
}

export function http2Metrics(read: () => Http2Numbers): Part {
  return (registry) => {
    registry.read("counter", "http2_connections_total", "Clients that spoke HTTP/2", () => read().connections);
    registry.read("counter", "http2_streams_total", "Streams of theirs", () => read().streams);
    registry.read("gauge", "http2_streams_open", "Streams that are open", () => read().streamsOpen);
  };
}

function named<N extends { name: string }>(
  label: string,
  all: Iterable<N>,
  value: (one: N) => number,
): (readonly [Labels, number])[] {
  return Array.from(all, (one) => [{ [label]: one.name }, value(one)] as const);
}

/** What the stub counts, for the metrics. Plain numbers: they are written for every packet. */
import type { Registry } from "../../../lib/service/metrics.ts";
import type { AddressPool } from "./fake-addresses.ts";

const group = <const N extends string>(names: readonly N[]) =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<N, number>;

export class StubCounts {
  /** What came in, by transport. */
  readonly queries = group(["udp", "tcp"]);
  readonly answers = group([
    /** A name of ours: with its address, without one of that type, or none was left. */
    "fake",
    "nodata",
    "exhausted",
    /** Of an address of ours. */
    "reverse",
    /** As a resolver answered. */
    "forwarded",
    /** No resolver answered. */
    "failed",
    /** A resolver's answer that held addresses of ours. */
    "forged",
    /** More waited for resolvers than may. */
    "busy",
    "refused",
    "malformed",
    "unimplemented",
    "badversion",
  ]);
  /** Went without an answer. */
  readonly dropped = group([
    /** A response, or too short to be anything. */
    "no_query",
    /** From an address that may not ask. */
    "stranger",
    /** Our own query to a resolver came back to us. */
    "loop",
    /** The system did not take the answer. */
    "unsendable",
    /** A connection above the limit. */
    "connection",
  ]);
  readonly upstream = group([
    "sent",
    "answered",
    "timeout",
    /** The system said that nobody is there, or there was no connection. */
    "unreachable",
    /** An error that the next resolver may not have. */
    "error",
    /** It was asked again by TCP: the answer was cut, or the case of the name was not kept. */
    "tcp",
    /** Answers to nothing, or to something else. */
    "unexpected",
    "malformed",
  ]);
  /** TCP connections of clients that are open. */
  connections = 0;
  /** Questions that wait for a resolver, and those who asked them. */
  outstanding = 0;
  waiting = 0;

  register(registry: Registry, pool: AddressPool): void {
    const families = [
      ["dns_queries_total", "Queries that came in", "transport", this.queries],
      ["dns_answers_total", "Answers, by what they were", "kind", this.answers],
      ["dns_dropped_total", "What got no answer, by reason", "reason", this.dropped],
      ["dns_upstream_total", "What became of questions to resolvers", "event", this.upstream],
    ] as const;
    for (const [name, help, label, counts] of families)
      registry.read("counter", name, help, () =>
        Object.entries(counts).map(([key, value]) => [{ [label]: key }, value] as const),
      );
    registry.read("gauge", "dns_connections_open", "TCP connections of clients", () => this.connections);
    registry.read("gauge", "dns_outstanding", "Questions that wait for a resolver", () => this.outstanding);
    registry.read("gauge", "names", "Names that have an address", () => pool.size);
    registry.read("gauge", "names_capacity", "Names that can have one at a time", () => pool.capacity);
    registry.read("counter", "names_assigned_total", "Names that got an address", () => pool.counts.assigned);
    registry.read(
      "counter",
      "names_recycled_total",
      "Of these, those that got one that another name had before",
      () => pool.counts.recycled,
    );
    registry.read("counter", "names_exhausted_total", "Names that got no address", () => pool.counts.exhausted);
  }
}

/** What a multiplexer counts: by route, and what came to none by the reason. */
import { Counter, Histogram, LIVES, WAITS } from "../../lib/service/instruments.ts";
import { Family, NamedCounts, type Registry } from "../../lib/service/metrics.ts";

/** The counts of one route. Connections write to its fields and cost it nothing more. */
export class RouteCounts {
  /** Connections that are relayed. */
  open = 0;
  /** Connections that are anywhere between the choice and the end. */
  busy = 0;
  /** Connections that the route was chosen for. */
  chosen = 0;
  /** Of these, those that were not let through. */
  refused = 0;
  /** Bytes from clients, and from targets. */
  sent = 0;
  received = 0;
  /** Seconds from the first byte to the relay. */
  readonly waits = new Histogram(WAITS);
  readonly lives = new Histogram(LIVES);
}

export class MuxMetrics {
  /** Connections that were accepted, whatever became of them. */
  accepted = 0;
  /** Connections that came to no route, or not through it. */
  readonly refused = new Family(["reason"], () => new Counter());
  readonly #routes = new NamedCounts("route", () => new RouteCounts());

  /** The counts of the route of that name. */
  route(name: string): RouteCounts {
    return this.#routes.of(name);
  }

  /** Adds portail's names to `registry`. */
  register(registry: Registry): void {
    const routes = this.#routes;
    registry.read("counter", "connections_total", "Connections that were accepted", () => this.accepted);
    registry.read("counter", "route_connections_total", "Connections that came to a route", () =>
      routes.each(({ chosen }) => chosen),
    );
    registry.read("counter", "route_refused_total", "Connections that a route did not let through", () =>
      routes.each(({ refused }) => refused),
    );
    registry.read("gauge", "connections_open", "Connections that are relayed", () => routes.each(({ open }) => open));
    registry.read("counter", "relayed_bytes_total", "Bytes that were relayed, by who sent them", () => [
      ...routes.each(({ sent }) => sent, { from: "client" }),
      ...routes.each(({ received }) => received, { from: "target" }),
    ]);
    registry.members("refused_total", "Connections that were not let through, by the reason", "counter", () =>
      this.refused.instruments(),
    );
    registry.members("setup_seconds", "Time from the accept to the relay", "histogram", () =>
      routes.each(({ waits }) => waits),
    );
    registry.members("connection_seconds", "Time that connections lasted", "histogram", () =>
      routes.each(({ lives }) => lives),
    );
  }
}

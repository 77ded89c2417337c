/** What is counted of connections that are carried on under a name, that of a route or of a rule. Carries none. */
import { DecisionCounts } from "./decision-counts.ts";
import { Counter, Histogram, LIVES, WAITS } from "./instruments.ts";
import { Family, NamedCounts, type Registry } from "./metrics.ts";
import { Moving } from "./moving.ts";

/** Of one name. Connections write to its fields and cost it nothing more. */
export class RelayedCounts {
  /** Connections that are relayed. */
  open = 0;
  /** Bytes from clients, and from targets, of connections that are over. */
  sent = 0;
  received = 0;
  readonly moving = new Moving();
  /** Seconds. */
  readonly lives = new Histogram(LIVES);
}

export class CarriedCounts extends RelayedCounts {
  /** Connections that it was chosen for. */
  chosen = 0;
  /** Of these, those that were not let through. */
  refused = 0;
  /** Seconds from the accept to the relay. */
  readonly waits = new Histogram(WAITS);
}

export class CarriedMetrics<C extends CarriedCounts> {
  /** Connections that were accepted, whatever became of them. */
  accepted = 0;
  /** Connections that came to nothing. */
  readonly refused = new Family(["reason"], () => new Counter());
  readonly decisions = new DecisionCounts();
  readonly #kind: string;
  readonly #names: NamedCounts<C>;

  /** `kind` is what has a name: "route" or "rule". */
  constructor(kind: string, make: () => C) {
    this.#kind = kind;
    this.#names = new NamedCounts(kind, make);
  }

  /** The counts of that name: kept over reloads. */
  of(name: string): C {
    return this.#names.of(name);
  }

  /** Adds portail's names to `registry`. */
  register(registry: Registry): void {
    const [kind, names] = [this.#kind, this.#names];
    registry.read("counter", "connections_total", "Connections that were accepted", () => this.accepted);
    registry.read("counter", `${kind}_connections_total`, `Connections that came to a ${kind}`, () =>
      names.each(({ chosen }) => chosen),
    );
    registry.read("counter", `${kind}_refused_total`, `Connections that a ${kind} did not let through`, () =>
      names.each(({ refused }) => refused),
    );
    registry.read("gauge", "connections_open", "Connections that are relayed", () => names.each(({ open }) => open));
    registry.read("counter", "relayed_bytes_total", "Bytes that were relayed, by who sent them", () => [
      ...names.each(({ sent, moving }) => sent + moving.sent, { from: "client" }),
      ...names.each(({ received, moving }) => received + moving.received, { from: "target" }),
    ]);
    this.decisions.register(registry);
    registry.members("refused_total", "Connections that were not let through, by the reason", "counter", () =>
      this.refused.instruments(),
    );
    registry.members("setup_seconds", "Time from the accept to the relay", "histogram", () =>
      names.each(({ waits }) => waits),
    );
    registry.members("connection_seconds", "Time that connections lasted", "histogram", () =>
      names.each(({ lives }) => lives),
    );
  }
}

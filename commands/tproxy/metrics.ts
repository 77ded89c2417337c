/** What a transparent proxy counts: by rule, and what came through none by the reason. */
import { Counter, Histogram, LIVES, WAITS } from "../../lib/service/instruments.ts";
import { Family, type Labels, type Registry } from "../../lib/service/metrics.ts";

/** The counts of one rule. Connections write to its fields and cost it nothing more. */
export class RuleCounts {
  /** Connections that are relayed. */
  open = 0;
  /** Connections that the rule was chosen for. */
  chosen = 0;
  /** Of these, those that were not let through. */
  refused = 0;
  /** Bytes from clients, and from targets. */
  sent = 0;
  received = 0;
  /** Seconds from the accept to the relay. */
  readonly waits = new Histogram(WAITS);
  readonly lives = new Histogram(LIVES);
}

export class TproxyMetrics {
  /** Connections that were accepted, whatever became of them. */
  accepted = 0;
  /** Connections that were not let through. */
  readonly refused = new Family(["reason"], () => new Counter());
  readonly #rules = new Map<string, RuleCounts>();

  /** The counts of the rule of that name: kept over reloads. */
  rule(name: string): RuleCounts {
    let counts = this.#rules.get(name);
    if (counts === undefined) this.#rules.set(name, (counts = new RuleCounts()));
    return counts;
  }

  /** Adds portail's names to `registry`. */
  register(registry: Registry): void {
    const read = (field: "open" | "chosen" | "refused" | "sent" | "received", more: Labels = {}) =>
      Array.from(this.#rules, ([rule, counts]) => [{ rule, ...more }, counts[field]] as const);
    registry.read("counter", "connections_total", "Connections that were accepted", () => this.accepted);
    registry.read("counter", "rule_connections_total", "Connections that a rule took", () => read("chosen"));
    registry.read("counter", "rule_refused_total", "Connections that a rule took and that came to nothing", () =>
      read("refused"),
    );
    registry.read("gauge", "connections_open", "Connections that are relayed", () => read("open"));
    registry.read("counter", "relayed_bytes_total", "Bytes that were relayed, by who sent them", () => [
      ...read("sent", { from: "client" }),
      ...read("received", { from: "target" }),
    ]);
    registry.members("refused_total", "Connections that were not let through, by the reason", "counter", () =>
      this.refused.instruments(),
    );
    registry.members("setup_seconds", "Time from the accept to the relay", "histogram", () =>
      Array.from(this.#rules, ([rule, { waits }]) => [{ rule }, waits] as const),
    );
    registry.members("connection_seconds", "Time that connections lasted", "histogram", () =>
      Array.from(this.#rules, ([rule, { lives }]) => [{ rule }, lives] as const),
    );
  }
}

/** What a tunnel counts: under portail's names for every tunnel of the process, and under ghostunnel's names for all together. */
import { RelayedCounts } from "../../lib/service/carried-metrics.ts";
import { DecisionCounts } from "../../lib/service/decision-counts.ts";
import { Histogram, Summary, WAITS } from "../../lib/service/instruments.ts";
import { NamedCounts, type Labels, type Registry } from "../../lib/service/metrics.ts";

/** The counts of one tunnel. Connections write to its fields and cost it nothing more. */
export class TunnelCounts extends RelayedCounts {
  /** Connections that were accepted, whatever became of them. */
  accepted = 0;
  /** Of these, those whose handshake and access check went well. */
  succeeded = 0;
  /** Failures to accept, and handshakes that failed. */
  failed = 0;
  /** Handshakes that were cut by their deadline. */
  late = 0;
  /** Connections that were cut at the end of their lifetime. */
  cut = 0;
  readonly handshakes = new Histogram(WAITS);
  readonly #shared: TunnelMetrics;
  #samples: { handshakes: number[]; lives: number[] } | undefined;

  constructor(shared: TunnelMetrics) {
    super();
    this.#shared = shared;
  }

  get decisions(): DecisionCounts {
    return this.#shared.decisions;
  }

  /** A handshake succeeded and took so many milliseconds. */
  handshaken(ms: number): void {
    if (this.#samples !== undefined && this.#samples.handshakes.length < MOST_SAMPLES)
      this.#samples.handshakes.push(ms);
    this.handshakes.observe(ms / 1000);
    this.#shared.handshake.observe(Math.round(ms * 1e6));
  }

  /** A connection is over and lasted so many milliseconds. */
  ended(ms: number): void {
    if (this.#samples !== undefined && this.#samples.lives.length < MOST_SAMPLES) this.#samples.lives.push(ms);
    this.lives.observe(ms / 1000);
    this.#shared.lifetime.observe(Math.round(ms * 1e6));
  }

  /** The single durations in milliseconds since the last call; from the first call on they are kept. */
  takeSamples(): { handshakes: number[]; lives: number[] } {
    const taken = this.#samples ?? { handshakes: [], lives: [] };
    this.#samples = { handshakes: [], lives: [] };
    return taken;
  }
}

/** Single durations that wait to be reported; more are left out. */
const MOST_SAMPLES = 10_000;

/** All tunnels of the process. */
export class TunnelMetrics {
  /** In nanoseconds, as ghostunnel has them. */
  readonly handshake = new Summary();
  readonly lifetime = new Summary();
  readonly decisions = new DecisionCounts();
  readonly #tunnels = new NamedCounts("tunnel", () => new TunnelCounts(this));

  /** The counts of the tunnel of that name; made when first asked for. */
  tunnel(name: string): TunnelCounts {
    return this.#tunnels.of(name);
  }

  /** All of them, by name. */
  tunnels(): Iterable<[string, TunnelCounts]> {
    return this.#tunnels;
  }

  /** Keeps single durations from now on, for `takeSamples`. */
  keepSamples(): void {
    for (const [, counts] of this.#tunnels) counts.takeSamples();
  }

  /** The sum of a field over all tunnels. */
  sum(field: Field): number {
    let sum = 0;
    for (const [, counts] of this.#tunnels) sum += counts[field];
    return sum;
  }

  /** Adds portail's names to `registry`. To be called when all tunnels are there. */
  register(registry: Registry): void {
    const read = (field: Field, more: Labels = {}) => this.#tunnels.each((counts) => counts[field], more);
    registry.read("gauge", "connections_open", "Connections that are relayed", () => read("open"));
    registry.read("counter", "connections_total", "Connections that were accepted", () => read("accepted"));
    registry.read("counter", "connections_cut_total", "Connections that were cut at the end of their lifetime", () =>
      read("cut"),
    );
    registry.read("counter", "handshakes_total", "TLS handshakes with the access check, by outcome", () => [
      ...read("succeeded", { outcome: "done" }),
      ...read("failed", { outcome: "failed" }),
      ...read("late", { outcome: "timeout" }),
    ]);
    registry.read("counter", "relayed_bytes_total", "Bytes that were relayed, by who sent them", () => [
      ...this.#tunnels.each(({ sent, moving }) => sent + moving.sent, { from: "client" }),
      ...this.#tunnels.each(({ received, moving }) => received + moving.received, { from: "target" }),
    ]);
    this.decisions.register(registry);
    registry.members("handshake_seconds", "Time that handshakes took", "histogram", () =>
      this.#tunnels.each(({ handshakes }) => handshakes),
    );
    registry.members("connection_seconds", "Time that connections lasted", "histogram", () =>
      this.#tunnels.each(({ lives }) => lives),
    );
  }
}

/** Fields of `TunnelCounts` that are numbers. */
export const FIELDS = ["open", "accepted", "succeeded", "failed", "late", "cut", "sent", "received"] as const;
export type Field = (typeof FIELDS)[number];

/** What is counted of each provider, for metrics, and said of its trouble, for people. Asks nobody. */
import type { Logger } from "../command/log.ts";
import { Histogram, WAITS } from "../service/instruments.ts";
import type { Registry } from "../service/metrics.ts";
import type { Target } from "./targets.ts";

/** Why there is no answer: too much was asked at a time; or the provider is not there, late, not to be trusted, or lying. */
const TROUBLES = ["busy", "down", "timeout", "tls", "status", "size", "syntax", "ambiguous"] as const;
export type TroubleKind = (typeof TROUBLES)[number];

export class Trouble {
  readonly kind: TroubleKind;
  /** Half a sentence that repeats nothing of a key or an answer. */
  readonly message: string;

  constructor(kind: TroubleKind, message: string) {
    this.kind = kind;
    this.message = message;
  }
}

export class ProviderCounts {
  /** How look-ups ended: answered from memory, asked, or joined to one that was being asked. */
  hits = 0;
  misses = 0;
  joined = 0;
  /** Old answers that were given because of trouble. */
  stale = 0;
  /** Values that were not of the type of their fact. */
  refusedValues = 0;
  /** Answers that are remembered now; of an inventory its rows. */
  entries = 0;
  readonly troubles: Record<TroubleKind, number>;
  /** Seconds from question to answer. */
  readonly latency = new Histogram(WAITS);

  constructor() {
    this.troubles = Object.fromEntries(TROUBLES.map((kind) => [kind, 0])) as Record<TroubleKind, number>;
  }
}

/** By the name of the provider. They outlive reloads, as counters must. */
export type ContextCounts = Map<string, ProviderCounts>;

/** What is said of one provider: trouble when it begins and when it is over, a wrong type once. */
export class Report {
  readonly counts: ProviderCounts;
  readonly #name: string;
  readonly #log: Logger;
  readonly #said = new Set<string>();
  #trouble: string | undefined;

  constructor(name: string, counts: ProviderCounts, log: Logger) {
    this.#name = name;
    this.counts = counts;
    this.#log = log;
  }

  trouble({ kind, message }: Trouble): void {
    this.counts.troubles[kind]++;
    if (this.#trouble === undefined) this.#log.warn(`provider ${this.#name}: ${message}; its facts are missing`);
    else if (this.#trouble !== kind) this.#log.debug(`provider ${this.#name}: ${message}`);
    this.#trouble = kind;
  }

  answered(): void {
    if (this.#trouble !== undefined) this.#log.info(`provider ${this.#name} answers again`);
    this.#trouble = undefined;
  }

  /** The value is not repeated: it may be anything. */
  wrongType({ fact, type }: Target, value: unknown): void {
    this.counts.refusedValues++;
    const found = Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : `a ${typeof value}`;
    this.once(`what it says of ${fact} is ${found} and not of the type ${type}: the fact is missing`);
  }

  /** Says it at the first time. */
  once(message: string): void {
    if (this.#said.has(message)) return;
    this.#said.add(message);
    this.#log.warn(`provider ${this.#name}: ${message}`);
  }

  warn(message: string): void {
    this.#log.warn(`provider ${this.#name}: ${message}`);
  }

  info(message: string, fields: Record<string, unknown> = {}): void {
    this.#log.info(`provider ${this.#name}: ${message}`, fields);
  }
}

/** Adds the metrics of all providers to a registry. */
export function addContextMetrics(registry: Registry, all: ContextCounts): void {
  const each = function* (read: (counts: ProviderCounts) => Iterable<readonly [string, string, number]>) {
    for (const [provider, counts] of all) {
      for (const [label, value, count] of read(counts)) yield [{ provider, [label]: value }, count] as const;
    }
  };
  const entries = () => Array.from(all, ([provider, counts]) => [{ provider }, counts.entries] as const);
  const refused = () => Array.from(all, ([provider, counts]) => [{ provider }, counts.refusedValues] as const);
  registry.read("counter", "provider_lookups_total", "Look-ups of facts, by how they were answered", () =>
    each(({ hits, misses, joined, stale }) => [
      ["result", "hit", hits],
      ["result", "miss", misses],
      ["result", "joined", joined],
      ["result", "stale", stale],
    ]),
  );
  registry.read("counter", "provider_errors_total", "Look-ups without an answer, by class", () =>
    each(({ troubles }) => TROUBLES.map((kind) => ["class", kind, troubles[kind]] as const)),
  );
  registry.read("counter", "provider_refused_values_total", "Values that were not of the type of their fact", refused);
  registry.read("gauge", "provider_entries", "Answers that are remembered, or rows of an inventory", entries);
  registry.members("provider_duration_seconds", "Time from question to answer", "histogram", () =>
    Array.from(all, ([provider, counts]) => [{ provider }, counts.latency] as const),
  );
}

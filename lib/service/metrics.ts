/** The registry of a daemon's metrics, and their text for Prometheus. Collects nothing by itself and listens nowhere. */
import { formatNumber, type Instrument, type Sample } from "./instruments.ts";

export type Labels = Readonly<Record<string, string>>;

/** Values that exist anyway and are asked for when somebody looks: a number, or one for each set of labels. */
type Reading = () => number | Iterable<readonly [Labels, number]>;

/** One value of a metric. */
export interface Valued {
  readonly labels: Labels;
  readonly value: number;
}

type Members = Iterable<readonly [Labels, Instrument]>;

interface Metric {
  name: string;
  help: string;
  type: Instrument["type"];
  /** Labels and samples of each member. */
  members(): Iterable<readonly [Labels, Sample[]]>;
}

/** Sets of labels that one family has at most; what comes later is counted under the label value `other`. */
const MOST_MEMBERS = 100;

export class Registry {
  readonly #prefix: string;
  readonly #metrics = new Map<string, Metric>();

  /** `prefix` stands before each name: `portail` makes `portail_NAME`. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Adds a metric without labels. Names end in the base unit, and counters in `_total`. */
  add<I extends Instrument>(name: string, help: string, instrument: I): I {
    this.#put({ name, help, type: instrument.type, members: () => [[{}, instrument.samples()]] });
    return instrument;
  }

  /** Adds a metric with labels, whose members `make` makes. */
  family<I extends Instrument>(name: string, help: string, labels: readonly string[], make: () => I): Family<I> {
    const family = new Family(labels, make);
    this.#put({ name, help, type: family.type, members: () => family.members() });
    return family;
  }

  /** Adds a metric that is read when somebody looks, and costs nothing before. */
  read(type: "counter" | "gauge", name: string, help: string, reading: Reading): void {
    const sample = (value: number): Sample[] => [{ suffix: "", value }];
    const members = () => {
      const read = reading();
      if (typeof read === "number") return [[{}, sample(read)] as const];
      return Array.from(read, ([labels, value]) => [labels, sample(value)] as const);
    };
    this.#put({ name, help, type, members });
  }

  /** Adds a metric whose members exist elsewhere, as `reading` tells them when somebody looks. */
  members(name: string, help: string, type: Instrument["type"], reading: () => Members): void {
    const members = () => Array.from(reading(), ([labels, instrument]) => [labels, instrument.samples()] as const);
    this.#put({ name, help, type, members });
  }

  #put(metric: Metric): void {
    const name = `${this.#prefix}_${metric.name}`;
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) throw new Error(`${name} is no name of a metric`);
    if (this.#metrics.has(name)) throw new Error(`two metrics are named ${name}`);
    this.#metrics.set(name, { ...metric, name });
  }

  /** The values of a counter or gauge, by its name without the prefix; none where there is no such metric. */
  values(name: string): Valued[] {
    const metric = this.#metrics.get(`${this.#prefix}_${name}`);
    if (metric === undefined) return [];
    return Array.from(metric.members(), ([labels, samples]) => ({ labels, value: samples[0]?.value ?? 0 }));
  }

  /** All metrics in the text format of Prometheus, version 0.0.4. */
  expose(): string {
    return Array.from(this.#metrics.values(), exposeMetric).join("");
  }
}

/** The media type of `Registry.expose`. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The members of one metric, by the values of its labels. */
export class Family<I extends Instrument> {
  readonly type: Instrument["type"];
  readonly #labels: readonly string[];
  readonly #make: () => I;
  readonly #members = new Map<string, { labels: Labels; instrument: I }>();

  constructor(labels: readonly string[], make: () => I) {
    this.#labels = labels;
    this.#make = make;
    this.type = make().type;
  }

  /** The member for these values, one per label; made when first asked for. For hot paths, ask once and keep it. */
  with(...values: string[]): I {
    const key = values.join("\0");
    const known = this.#members.get(key);
    if (known !== undefined) return known.instrument;
    if (this.#members.size >= MOST_MEMBERS && values.some((value) => value !== OTHER)) {
      return this.with(...this.#labels.map(() => OTHER));
    }
    const labels = Object.fromEntries(this.#labels.map((label, i) => [label, values[i] ?? ""]));
    const instrument = this.#make();
    this.#members.set(key, { labels, instrument });
    return instrument;
  }

  /** For `Registry.members`: of a family that is made before its registry. */
  instruments(): Members {
    return Array.from(this.#members.values(), ({ labels, instrument }) => [labels, instrument] as const);
  }

  *members(): Iterable<readonly [Labels, Sample[]]> {
    for (const { labels, instrument } of this.#members.values()) yield [labels, instrument.samples()];
  }
}

/** The counts of what has a name, such as routes or tunnels: made when first asked for, and kept over reloads. */
export class NamedCounts<C> {
  readonly #label: string;
  readonly #make: () => C;
  readonly #all = new Map<string, C>();

  /** `label` is what the name stands under in metrics. */
  constructor(label: string, make: () => C) {
    this.#label = label;
    this.#make = make;
  }

  of(name: string): C {
    let counts = this.#all.get(name);
    if (counts === undefined) this.#all.set(name, (counts = this.#make()));
    return counts;
  }

  [Symbol.iterator](): Iterator<[string, C]> {
    return this.#all.entries();
  }

  /** Of each, for `Registry.read` and `Registry.members`; `more` are labels besides the name. */
  each<T extends number | Instrument>(value: (counts: C) => T, more: Labels = {}): [Labels, T][] {
    return Array.from(this.#all, ([name, counts]) => [{ [this.#label]: name, ...more }, value(counts)]);
  }
}

const OTHER = "other";

function exposeMetric({ name, help, type, members }: Metric): string {
  let text = `# HELP ${name} ${escape(help)}\n# TYPE ${name} ${type}\n`;
  for (const [labels, samples] of members()) {
    for (const { suffix, label, value } of samples) {
      const pairs = [...Object.entries(labels), ...(label === undefined ? [] : [label])];
      const inner = pairs.map(([key, text]) => `${key}="${escape(text).replaceAll('"', '\\"')}"`).join(",");
      text += `${name}${suffix}${inner === "" ? "" : `{${inner}}`} ${formatNumber(value)}\n`;
    }
  }
  return text;
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

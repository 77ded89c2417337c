/** What counts and measures: counters, histograms, summaries. Writing to one allocates nothing; they know no names. */

/** One line of an exposition: the metric's name goes before `suffix`. */
export interface Sample {
  suffix: string;
  /** A label of the instrument's own, beside those of its family. */
  label?: readonly [name: string, value: string];
  value: number;
}

export interface Instrument {
  readonly type: "counter" | "gauge" | "histogram" | "summary";
  samples(): Sample[];
}

/** What only grows. Hot paths write `counter.value++`. */
export class Counter implements Instrument {
  readonly type = "counter";
  value = 0;

  samples(): Sample[] {
    return [{ suffix: "", value: this.value }];
  }
}

/** Upper bounds in seconds for what a user waits for. */
export const WAITS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Upper bounds in seconds for what may last for days. */
export const LIVES: readonly number[] = [0.1, 1, 10, 60, 600, 3600, 21_600, 86_400, 604_800];

/** Counts observations in buckets, so that quantiles of many processes can be computed where they are collected. */
export class Histogram implements Instrument {
  readonly type = "histogram";
  sum = 0;
  count = 0;
  readonly #bounds: Float64Array;
  /** Of each bucket alone; the last is for what exceeds all bounds. */
  readonly #counts: Float64Array;

  /** `bounds` are inclusive upper bounds in ascending order. */
  constructor(bounds: readonly number[]) {
    this.#bounds = Float64Array.from(bounds);
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let i = 0;
    while (i < bounds.length && value > bounds[i]!) i++;
    this.#counts[i]!++;
    this.count++;
    this.sum += value;
  }

  samples(): Sample[] {
    let below = 0;
    const buckets = Array.from(this.#counts, (count, i): Sample => {
      below += count;
      const bound = i < this.#bounds.length ? formatNumber(this.#bounds[i]!) : "+Inf";
      return { suffix: "_bucket", label: ["le", bound], value: below };
    });
    return [...buckets, { suffix: "_sum", value: this.sum }, { suffix: "_count", value: this.count }];
  }
}

/** Observations that quantiles are taken from: the last ones. */
const WINDOW = 1024;
const QUANTILES = [0.5, 0.75, 0.95, 0.99] as const;

/** Extremes and mean of all observations, and quantiles of the last 1024. */
export class Summary implements Instrument {
  readonly type = "summary";
  sum = 0;
  count = 0;
  /** Of all; 0 where there are none. */
  min = 0;
  max = 0;
  readonly #window = new Float64Array(WINDOW);

  observe(value: number): void {
    if (this.count === 0 || value < this.min) this.min = value;
    if (this.count === 0 || value > this.max) this.max = value;
    this.#window[this.count % WINDOW] = value;
    this.count++;
    this.sum += value;
  }

  get mean(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }

  /**
   * Each `q` from 0 to 1: the value below which that share of the last observations lies, between two of them in
   * proportion. 0 where there are none.
   */
  quantiles(qs: readonly number[]): number[] {
    const sorted = this.#window.slice(0, Math.min(this.count, WINDOW)).sort();
    if (sorted.length === 0) return qs.map(() => 0);
    return qs.map((q) => {
      const at = Math.min(Math.max(q * (sorted.length + 1) - 1, 0), sorted.length - 1);
      const low = sorted[Math.floor(at)]!;
      return low + (at % 1) * (sorted[Math.ceil(at)]! - low);
    });
  }

  samples(): Sample[] {
    const values = this.quantiles(QUANTILES);
    const quantiles = QUANTILES.map((q, i): Sample => {
      return { suffix: "", label: ["quantile", String(q)], value: this.count === 0 ? Number.NaN : values[i]! };
    });
    return [...quantiles, { suffix: "_sum", value: this.sum }, { suffix: "_count", value: this.count }];
  }
}

/** As Prometheus reads numbers. */
export function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}

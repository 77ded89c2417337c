/** The recent past of single values: a ring of samples each, in a store of bounded size. Reads no clock and no metric. */

/** Samples that a series keeps. */
export const SAMPLES = 120;
/** Series of a store; what comes beyond has no past. */
const MOST_SERIES = 600;

/** Of one value: how fast it grew, or how much it was, at each of the last samples. */
export class Series {
  readonly #ring = new Float32Array(SAMPLES);
  #count = 0;
  #last: number | undefined;
  /** The round of the store in which it was seen last. */
  seen = 0;

  /** A counter's value, `seconds` after the former one. One that is smaller than before has begun anew. */
  grew(value: number, seconds: number): void {
    if (this.#last !== undefined && seconds > 0) this.was(Math.max(0, value - this.#last) / seconds);
    this.#last = value;
  }

  /** A gauge's value. */
  was(value: number): void {
    this.#ring[this.#count++ % SAMPLES] = value;
  }

  /** Oldest first. */
  get samples(): number[] {
    const kept = Math.min(this.#count, SAMPLES);
    return Array.from({ length: kept }, (_, i) => this.#ring[(this.#count - kept + i) % SAMPLES]!);
  }

  /** The newest; 0 where there is none. */
  get now(): number {
    return this.#count === 0 ? 0 : this.#ring[(this.#count - 1) % SAMPLES]!;
  }

  get sum(): number {
    return this.#ring.reduce((sum, sample) => sum + sample, 0);
  }
}

export interface Reading {
  readonly key: string;
  readonly type: "counter" | "gauge";
  readonly value: number;
}

/** The series of many values, by their keys. */
export class SeriesStore {
  readonly #series = new Map<string, Series>();
  #round = 0;

  /** What is there at this moment, `seconds` after the last call. What is no longer there is forgotten. */
  take(readings: Iterable<Reading>, seconds: number): void {
    this.#round++;
    for (const { key, type, value } of readings) {
      let series = this.#series.get(key);
      if (series === undefined) {
        if (this.#series.size >= MOST_SERIES) continue;
        this.#series.set(key, (series = new Series()));
        // What counts since now was at nothing before.
        if (type === "counter" && this.#round > 1) series.grew(0, 0);
      }
      series.seen = this.#round;
      if (type === "counter") series.grew(value, seconds);
      else series.was(value);
    }
    for (const [key, { seen }] of this.#series) if (seen !== this.#round) this.#series.delete(key);
  }

  /** Samples that the oldest series have: what a drawing is as wide as. */
  get length(): number {
    return Math.min(this.#round, SAMPLES);
  }

  get(key: string): Series | undefined {
    return this.#series.get(key);
  }
}

/** Sums by name in bounded memory: exact for so many names, and right for the frequent ones beyond that. */

interface Entry {
  readonly name: string;
  /** The first is what they are ranked by. */
  readonly sums: readonly number[];
}

export class Top {
  /** Every name has its sums whole; else those of rare names may be too low. */
  exact = true;
  readonly #most: number;
  #sums = new Map<string, number[]>();

  constructor(most = 20_000) {
    this.#most = most;
  }

  add(name: string, ...values: number[]): void {
    const sums = this.#sums.get(name);
    if (sums !== undefined) {
      for (const [i, value] of values.entries()) sums[i]! += value;
      return;
    }
    if (this.#sums.size >= this.#most) this.#forget();
    this.#sums.set(name, values);
  }

  /** Half of them go, so that it costs little for each that comes. */
  #forget(): void {
    this.exact = false;
    const kept = this.ranked(Math.floor(this.#most / 2));
    this.#sums = new Map(kept.map(({ name, sums }) => [name, [...sums]]));
  }

  /** The `limit` greatest, the greatest first; in the order of names where they are equal. */
  ranked(limit: number): Entry[] {
    const all = Array.from(this.#sums, ([name, sums]) => ({ name, sums }));
    return all.toSorted((x, y) => y.sums[0]! - x.sums[0]! || (x.name < y.name ? -1 : 1)).slice(0, limit);
  }

  /** By name. */
  all(): Entry[] {
    return this.ranked(this.#sums.size).toSorted((x, y) => (x.name < y.name ? -1 : 1));
  }
}

/** Whether a place is up, by what its checks come to in a row, and when the next one is due. Checks nothing; clock and chance are the caller's. */

export interface CheckRules {
  /** Milliseconds from the beginning of one check to that of the next. */
  readonly interval: number;
  /** Failures in a row that take it down. */
  readonly fall: number;
  /** Successes in a row that bring it up again. */
  readonly rise: number;
}

/** Share of the interval by which one may be shorter or longer: places that are checked together do not stay together. */
const JITTER = 0.1;

/** Up until its checks say otherwise. */
export class RiseFall {
  readonly #rules: CheckRules;
  #up = true;
  /** Checks in a row that speak against what it is. */
  #against = 0;
  #trouble = "";
  #since: number;

  /** `now` in milliseconds, as everywhere here. */
  constructor(rules: CheckRules, now: number) {
    this.#rules = rules;
    this.#since = now;
  }

  /** Why it is down, as the last check that failed has it; undefined while it is up. */
  get trouble(): string | undefined {
    return this.#up ? undefined : this.#trouble;
  }

  /** Since when it is what it is. */
  get since(): number {
    return this.#since;
  }

  /** Takes up what a check came to, where it failed with why. Whether that has changed what it is. */
  checked(trouble: string | undefined, now: number): boolean {
    if (trouble !== undefined) this.#trouble = trouble;
    const works = trouble === undefined;
    if (works === this.#up) {
      this.#against = 0;
      return false;
    }
    const { fall, rise } = this.#rules;
    if (++this.#against < (this.#up ? fall : rise)) return false;
    this.#up = works;
    this.#against = 0;
    this.#since = now;
    return true;
  }

  /** Milliseconds from `now` to the first check: anywhere in an interval, by `chance` from 0 to 1. */
  firstIn(chance: number): number {
    return this.#rules.interval * chance;
  }

  /** Milliseconds from `now` to the check after one that began at `began`; 0 where that took longer. */
  nextIn(began: number, now: number, chance: number): number {
    const length = this.#rules.interval * (1 + JITTER * (2 * chance - 1));
    return Math.max(0, began + length - now);
  }
}

/** A token bucket for what a peer may do, but nobody does often: resets, pings, empty frames (CVE-2019-9511 ff., CVE-2023-44487). Pure. */

/** So many at once, */
const BURST = 1000;
/** and so many a second for ever. */
const PER_SECOND = 50;

export class FloodLimit {
  #left = BURST;
  #since = 0;

  /** Counts one more at `now` (milliseconds); false once it is too much. */
  allows(now: number): boolean {
    this.#left = Math.min(BURST, this.#left + ((now - this.#since) * PER_SECOND) / 1000) - 1;
    this.#since = now;
    return this.#left >= 0;
  }
}

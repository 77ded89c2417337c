/** Whether a place that failed of late is to be tried again (circuit breaker). Knows no place; the clock is the caller's. */

/** Failures in a row that open it. */
const MOST_FAILURES = 3;
/** Milliseconds that it stays open at first, and at most; each probe that fails doubles them. */
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 60_000;

export class Circuit {
  #failures = 0;
  #pause = FIRST_PAUSE;
  #openUntil = -Infinity;
  #probing = false;

  /** Whether the place is out of use at `now`, in milliseconds. */
  isOpen(now: number): boolean {
    return this.#failures >= MOST_FAILURES && now < this.#openUntil;
  }

  /** Asks to try the place. Past the pause one may, and the others wait for what comes of it. */
  enter(now: number): boolean {
    if (this.#failures < MOST_FAILURES) return true;
    if (now < this.#openUntil || this.#probing) return false;
    this.#probing = true;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#pause = FIRST_PAUSE;
    this.#probing = false;
  }

  failed(now: number): void {
    const wasOpen = this.#failures >= MOST_FAILURES;
    this.#failures++;
    // What began before it opened says nothing new.
    if (wasOpen && !this.#probing) return;
    this.#probing = false;
    if (this.#failures < MOST_FAILURES) return;
    if (wasOpen) this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
    this.#openUntil = now + this.#pause;
  }

  /** The attempt came to no verdict about the place. */
  abandoned(): void {
    this.#probing = false;
  }
}

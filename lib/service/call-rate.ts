/** How many calls a user may make in a second; those beyond wait for the next one. Knows no clock. */
export class CallRate {
  readonly #most: number;
  #second = -1;
  /** Of this second alone: who calls no more is forgotten. */
  readonly #calls = new Map<number, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts a call of `uid` at `now` (milliseconds), and tells how many milliseconds it has to wait. */
  delay(uid: number, now: number): number {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) this.#calls.clear();
    this.#second = second;
    const calls = (this.#calls.get(uid) ?? 0) + 1;
    this.#calls.set(uid, calls);
    return calls > this.#most ? (second + 1) * 1000 - now : 0;
  }
}

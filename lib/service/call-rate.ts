/** How many calls each caller may make in a second, and how long those beyond have to wait. Knows no clock. */
export class CallRate<Caller> {
  readonly #most: number;
  #second = -1;
  /** Of this second alone: who calls no more is forgotten. */
  readonly #calls = new Map<Caller, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts a call at `now` (milliseconds), and tells how many milliseconds it has to wait for the next second. */
  delay(caller: Caller, now: number): number {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) this.#calls.clear();
    this.#second = second;
    const calls = (this.#calls.get(caller) ?? 0) + 1;
    this.#calls.set(caller, calls);
    return calls > this.#most ? (second + 1) * 1000 - now : 0;
  }
}

/** What all UDP associations share: a clock that ticks while there are any, and what they may keep together. Relays nothing. */

/** Milliseconds between ticks, at most. */
const TICK = 1000;
/** An idle limit is looked at so often within its time. */
const LOOKS = 4;
/** Bytes of datagrams that wait for decisions, and destinations that are kept, of all associations together. */
const MOST_WAITING = 16 * 1024 * 1024;
const MOST_DESTINATIONS = 65_536;

export interface Ticking {
  /** `now` is the clock's. */
  tick(now: number): void;
}

export class Associations {
  /** Milliseconds at the last tick. Good enough for limits of minutes, and no datagram pays for a look at a clock. */
  now = 0;
  readonly #every: number;
  readonly #open = new Set<Ticking>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #waiting = 0;
  #destinations = 0;

  /** `idle` in milliseconds; 0 is no limit. */
  constructor(idle: number) {
    this.#every = idle === 0 ? TICK : Math.max(1, Math.min(TICK, idle / LOOKS));
  }

  enter(one: Ticking): void {
    this.#open.add(one);
    if (this.#timer !== undefined) return;
    this.now = performance.now();
    this.#timer = setInterval(() => this.#tick(), this.#every);
  }

  leave(one: Ticking): void {
    this.#open.delete(one);
    if (this.#open.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    this.now = performance.now();
    for (const one of this.#open) one.tick(this.now);
  }

  /** Whether `bytes` more may wait; to be given back with `passed`. */
  wait(bytes: number): boolean {
    if (this.#waiting + bytes > MOST_WAITING) return false;
    this.#waiting += bytes;
    return true;
  }

  passed(bytes: number): void {
    this.#waiting -= bytes;
  }

  /** Whether one more destination may be kept; to be given back with `forget`. */
  keep(): boolean {
    if (this.#destinations >= MOST_DESTINATIONS) return false;
    this.#destinations++;
    return true;
  }

  forget(): void {
    this.#destinations--;
  }
}

/** Many deadlines of one length behind one timer: what thousands of connections would pay for timers of their own. */

export class Deadlines<T> {
  readonly #length: number;
  readonly #late: (item: T) => void;
  /** In the order of their deadlines, since all have the same length. */
  readonly #due = new Map<T, number>();
  #waiting = false;

  /** `length` in milliseconds; 0 sets none. `late` is called once for each item that was not removed in time. */
  constructor(length: number, late: (item: T) => void) {
    this.#length = length;
    this.#late = late;
  }

  /** Sets the deadline of `item`, anew if it has one. */
  add(item: T): void {
    if (this.#length === 0) return;
    this.#due.delete(item);
    this.#due.set(item, performance.now() + this.#length);
    if (!this.#waiting) this.#wait(this.#length);
  }

  remove(item: T): void {
    this.#due.delete(item);
  }

  /** The timer outlives what it was set for and looks again; so adding and removing cost no timer. */
  #wait(ms: number): void {
    this.#waiting = true;
    setTimeout(() => this.#look(), ms);
  }

  #look(): void {
    this.#waiting = false;
    const now = performance.now();
    for (const [item, due] of this.#due) {
      // A timer may fire a little early.
      if (due > now + 1) {
        this.#wait(due - now);
        return;
      }
      this.#due.delete(item);
      this.#late(item);
    }
  }
}

/** Many deadlines of one length behind one timer: what thousands of connections would pay for timers of their own. */

/**
 * What can have a deadline, one at a time. It is a link of the list that it waits in, so that setting and lifting a
 * deadline allocate nothing; the fields are those of the list alone.
 */
export abstract class Due {
  due = 0;
  dueBefore: Due | undefined;
  dueAfter: Due | undefined;
  /** The deadline is over. */
  abstract late(): void;
}

/** The first and the last of a list stand on this one, which never is late. */
class Ring extends Due {
  override dueBefore: Due = this;
  override dueAfter: Due = this;
  override late(): void {}
}

export class Deadlines {
  readonly #length: number;
  /** In the order of their deadlines, since all have the same length. */
  readonly #ring = new Ring();
  #waiting = false;
  #size = 0;

  /** `length` in milliseconds; 0 sets none. */
  constructor(length: number) {
    this.#length = length;
  }

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** Sets the deadline of `item`, anew if it has one. */
  add(item: Due): void {
    if (this.#length === 0) return;
    this.remove(item);
    const last = this.#ring.dueBefore;
    item.due = performance.now() + this.#length;
    item.dueBefore = last;
    item.dueAfter = this.#ring;
    last.dueAfter = item;
    this.#ring.dueBefore = item;
    this.#size++;
    if (!this.#waiting) this.#wait(this.#length);
  }

  /** Lifts the deadline of `item`, if it has one. */
  remove(item: Due): void {
    const { dueBefore, dueAfter } = item;
    if (dueBefore === undefined || dueAfter === undefined) return;
    dueBefore.dueAfter = dueAfter;
    dueAfter.dueBefore = dueBefore;
    item.dueBefore = undefined;
    item.dueAfter = undefined;
    this.#size--;
  }

  /** The timer outlives what it was set for and looks again; so adding and removing cost no timer. */
  #wait(ms: number): void {
    this.#waiting = true;
    setTimeout(() => this.#look(), ms);
  }

  #look(): void {
    const now = performance.now();
    for (let first: Due = this.#ring.dueAfter; first !== this.#ring; first = this.#ring.dueAfter) {
      // A timer may fire a little early.
      if (first.due > now + 1) {
        this.#wait(first.due - now);
        return;
      }
      this.remove(first);
      first.late();
    }
    this.#waiting = false;
  }
}

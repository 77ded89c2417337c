/** A merge of ascending lists without allocation. Not what is in them. */

/** No clause has this number. */
const NONE = 2 ** 31 - 1;

/** Ascending lists walked as one, without duplicates. */
export class Lanes {
  readonly #lists: Int32Array[] = [];
  /** What each list has next; the list itself is asked only when that is taken. */
  #heads = new Int32Array(64);
  #at = new Int32Array(64);
  #end = new Int32Array(64);
  #count = 0;

  reset(): void {
    this.#count = 0;
  }

  add(list: Int32Array, from: number, to: number): void {
    if (from >= to) return;
    const lane = this.#count++;
    if (lane >= this.#at.length) {
      this.#heads = doubled(this.#heads);
      this.#at = doubled(this.#at);
      this.#end = doubled(this.#end);
    }
    this.#lists[lane] = list;
    this.#heads[lane] = list[from]!;
    this.#at[lane] = from;
    this.#end[lane] = to;
  }

  /** The least of the heads, which every list that has it gives up; or -1. */
  next(): number {
    const heads = this.#heads;
    let least = NONE;
    for (let lane = 0; lane < this.#count; lane++) {
      const head = heads[lane]!;
      if (head < least) least = head;
    }
    if (least === NONE) return -1;
    for (let lane = this.#count - 1; lane >= 0; lane--) if (heads[lane] === least) this.#advance(lane);
    return least;
  }

  /** A key may lead to one clause twice: `host in ["a", "a"]`. */
  #advance(lane: number): void {
    const list = this.#lists[lane]!;
    const end = this.#end[lane]!;
    const head = this.#heads[lane]!;
    let at = this.#at[lane]! + 1;
    while (at < end && list[at] === head) at++;
    this.#at[lane] = at;
    if (at < end) this.#heads[lane] = list[at]!;
    else this.#drop(lane);
  }

  #drop(lane: number): void {
    const last = --this.#count;
    this.#lists[lane] = this.#lists[last]!;
    this.#heads[lane] = this.#heads[last]!;
    this.#at[lane] = this.#at[last]!;
    this.#end[lane] = this.#end[last]!;
  }
}

function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}

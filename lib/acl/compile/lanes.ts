/** A merge of ascending lists without allocation. Not what is in them. */
import type { Lists } from "./lists.ts";

/** Ascending lists walked as one, without duplicates. */
export class Lanes {
  readonly #lists: Int32Array[] = [];
  #at = new Int32Array(64);
  #end = new Int32Array(64);
  #count = 0;

  reset(): void {
    this.#count = 0;
  }

  addList(lists: Lists, key: number): void {
    this.add(lists.clauses, lists.starts[key]!, lists.starts[key + 1]!);
  }

  add(list: Int32Array, from: number, to: number): void {
    if (from >= to) return;
    const lane = this.#count++;
    if (lane >= this.#at.length) {
      this.#at = doubled(this.#at);
      this.#end = doubled(this.#end);
    }
    this.#lists[lane] = list;
    this.#at[lane] = from;
    this.#end[lane] = to;
  }

  next(): number {
    if (this.#count === 1) return this.#onlyLane();
    let least = Infinity;
    for (let lane = 0; lane < this.#count; lane++) {
      const head = this.#lists[lane]![this.#at[lane]!]!;
      if (head < least) least = head;
    }
    if (least === Infinity) return -1;
    for (let lane = 0; lane < this.#count; lane++) {
      if (this.#lists[lane]![this.#at[lane]!]! !== least) continue;
      // A key may lead to one clause twice: `host in ["a", "a"]`.
      do this.#at[lane]!++;
      while (this.#at[lane]! < this.#end[lane]! && least === this.#lists[lane]![this.#at[lane]!]);
      if (this.#at[lane]! >= this.#end[lane]!) this.#drop(lane--);
    }
    return least;
  }

  #onlyLane(): number {
    const list = this.#lists[0]!;
    const least = list[this.#at[0]!]!;
    let at = this.#at[0]! + 1;
    while (at < this.#end[0]! && list[at] === least) at++;
    this.#at[0] = at;
    if (at >= this.#end[0]!) this.#count = 0;
    return least;
  }

  #drop(lane: number): void {
    const last = --this.#count;
    this.#lists[lane] = this.#lists[last]!;
    this.#at[lane] = this.#at[last]!;
    this.#end[lane] = this.#end[last]!;
  }
}

function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}

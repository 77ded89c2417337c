/** Ascending lists of clause numbers, found by 32-bit keys. The values are not kept: two of one key share a list, so what is found must be evaluated. */

/** First filled with `add`, then built, then asked. A lookup costs a probe, and reads nothing but numbers. */
export class PostingTable {
  /** The lists, one behind the other. */
  clauses = new Int32Array(0);
  /** Of the list that `find` found last. */
  from = 0;
  to = 0;
  /** Open addressing: key, and number of its list plus one (0 is empty). At most half are taken. */
  #slots = new Int32Array(2 * 8);
  #starts = new Int32Array(1);
  #count = 0;
  #keys: number[] = [];
  #added: number[] = [];

  /** Clauses must come in ascending order. */
  add(key: number, clause: number): void {
    this.#keys.push(this.#listOf(key));
    this.#added.push(clause);
  }

  /** By counting sort, which keeps the clauses' order. */
  build(): void {
    const starts = new Int32Array(this.#count + 1);
    for (const list of this.#keys) starts[list + 1]!++;
    for (let list = 0; list < this.#count; list++) starts[list + 1]! += starts[list]!;
    const at = starts.slice();
    const clauses = new Int32Array(this.#added.length);
    for (let i = 0; i < this.#keys.length; i++) clauses[at[this.#keys[i]!]!++] = this.#added[i]!;
    [this.#starts, this.clauses] = [starts, clauses];
    this.#keys = this.#added = [];
  }

  /** Whether the key has a list, which then is `clauses[from, to)`. */
  find(key: number): boolean {
    const slots = this.#slots;
    const mask = slots.length - 2;
    for (let slot = mix(key) & mask; slots[slot + 1] !== 0; slot = (slot + 2) & mask) {
      if (slots[slot] !== key) continue;
      const list = slots[slot + 1]!;
      this.from = this.#starts[list - 1]!;
      this.to = this.#starts[list]!;
      return true;
    }
    return false;
  }

  /** The number of the key's list, new or known. */
  #listOf(key: number): number {
    if (this.#count * 4 >= this.#slots.length) this.#grow();
    const slot = place(this.#slots, key);
    if (this.#slots[slot + 1] === 0) {
      this.#slots[slot] = key;
      this.#slots[slot + 1] = ++this.#count;
    }
    return this.#slots[slot + 1]! - 1;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2);
    for (let i = 0; i < old.length; i += 2) {
      if (old[i + 1] !== 0) this.#slots.set([old[i]!, old[i + 1]!], place(this.#slots, old[i]!));
    }
  }
}

/** Where the key is, or would be. */
function place(slots: Int32Array, key: number): number {
  const mask = slots.length - 2;
  let slot = mix(key) & mask;
  while (slots[slot + 1] !== 0 && slots[slot] !== key) slot = (slot + 2) & mask;
  return slot;
}

/** Keys of small numbers and of neighbouring facts must not cluster. */
const mix = (key: number): number => {
  const once = Math.imul(key ^ (key >>> 16), 0x85eb_ca6b);
  return (once ^ (once >>> 15)) << 1;
};

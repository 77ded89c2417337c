/** Many short ascending lists of clause numbers in two arrays, one list per key. Not the keys. */

/** Collects (key, clause) pairs; clauses must come in ascending order. */
export class ListBuilder {
  readonly #keys: number[] = [];
  readonly #clauses: number[] = [];

  add(key: number, clause: number): void {
    this.#keys.push(key);
    this.#clauses.push(clause);
  }

  /** The lists for keys 0 to `count` - 1, by counting sort, which keeps the clauses' order. */
  build(count: number): Lists {
    const starts = new Int32Array(count + 1);
    for (const key of this.#keys) starts[key + 1]!++;
    for (let key = 0; key < count; key++) starts[key + 1]! += starts[key]!;
    const at = starts.slice();
    const clauses = new Int32Array(this.#clauses.length);
    for (let i = 0; i < this.#keys.length; i++) clauses[at[this.#keys[i]!]!++] = this.#clauses[i]!;
    return { starts, clauses };
  }
}

/** List `key` is `clauses[starts[key], starts[key + 1])`. */
export interface Lists {
  readonly starts: Int32Array;
  readonly clauses: Int32Array;
}

/** Where the row of a key is: a hash table of numbers, some 16 bytes a row where a map of texts takes a hundred. Holds no text. */

export class KeyIndex {
  /** By number of the row. */
  #offsets = new Uint32Array(1024);
  #hashes = new Int32Array(1024);
  /** Number of a row and one, or 0; at most half of them are taken. */
  #slots = new Uint32Array(2048);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds a row at `offset`, below 4 GiB. Answers the offset of one that `same` finds to have the same key; then nothing is added. */
  add(hash: number, offset: number, same: (offset: number) => boolean): number | undefined {
    const found = this.find(hash, same);
    if (found !== undefined) return found;
    if (this.#size === this.#offsets.length) this.#grow();
    this.#offsets[this.#size] = offset;
    this.#hashes[this.#size] = hash;
    this.#place(this.#size++);
    return undefined;
  }

  /** The offset of the row of that hash which `same` takes. */
  find(hash: number, same: (offset: number) => boolean): number | undefined {
    const mask = this.#slots.length - 1;
    for (let slot = spread(hash) & mask; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const row = this.#slots[slot]! - 1;
      if (this.#hashes[row] === hash && same(this.#offsets[row]!)) return this.#offsets[row];
    }
    return undefined;
  }

  #place(row: number): void {
    const mask = this.#slots.length - 1;
    let slot = spread(this.#hashes[row]!) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = row + 1;
  }

  #grow(): void {
    const [offsets, hashes] = [this.#offsets, this.#hashes];
    this.#offsets = new Uint32Array(offsets.length * 2);
    this.#offsets.set(offsets);
    this.#hashes = new Int32Array(hashes.length * 2);
    this.#hashes.set(hashes);
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let row = 0; row < this.#size; row++) this.#place(row);
  }
}

/** FNV-1a, 32 bits, of `bytes` from `from` up to `to`. */
export function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash;
}

/** FNV leaves similar texts near each other in its low bits. */
function spread(hash: number): number {
  return (hash ^ (hash >>> 15)) >>> 0;
}

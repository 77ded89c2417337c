/** The hashes of a text and of every domain above it, made in one pass for all tables that are asked about it. Not a table. */

/** FNV-1a over the text from its last unit to its first, so that the suffixes come out on the way. */
export const BASIS = 0x811c9dc5 | 0;
export const PRIME = 0x01000193;
const DOT = 0x2e;
/** Begins the packed form of a name that is not ASCII, or that holds this very character (NameTable). */
export const MARK = 0x01;

/** Reused for one text after the other; nothing is allocated but for texts of more than 64 labels. */
export class HashedText {
  text = "";
  hash = BASIS;
  /** No unit but ASCII, and none that has a meaning to tables. */
  plain = true;
  /** How many domains there are above the text: behind each dot, shortest first, as far as they are plain. */
  domains = 0;
  /** Where each begins, and its hash. */
  starts = new Int32Array(64);
  hashes = new Int32Array(64);

  /** Reads a text, unless it is the one that was read last. */
  read(text: string): this {
    if (text === this.text) return this;
    let hash = BASIS;
    let plain = true;
    let count = 0;
    for (let i = text.length - 1; i >= 0; i--) {
      const code = text.charCodeAt(i);
      if (code === DOT && plain) {
        if (count === this.starts.length) this.#grow();
        this.starts[count] = i + 1;
        this.hashes[count++] = hash;
      } else if (code > 0x7f || code === MARK) plain = false;
      hash = Math.imul(hash ^ code, PRIME);
    }
    this.text = text;
    this.hash = hash;
    this.plain = plain;
    this.domains = count;
    return this;
  }

  #grow(): void {
    const [starts, hashes] = [new Int32Array(this.starts.length * 2), new Int32Array(this.starts.length * 2)];
    starts.set(this.starts);
    hashes.set(this.hashes);
    this.starts = starts;
    this.hashes = hashes;
  }
}

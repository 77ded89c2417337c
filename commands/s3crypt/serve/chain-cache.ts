/** The chains of ds2 objects that were read of late, so that the next range of one need not read what is before it. Trusted by nobody: see object/chain-index.ts. */
import { ChainIndex } from "../object/chain-index.ts";
import type { Ds2Header } from "../object/header.ts";

/** Each takes half a megabyte at most. */
const MOST = 64;

export class ChainCache {
  /** By the object's beginning, which no other has; what was wanted last stands last. */
  readonly #indexes = new Map<string, ChainIndex>();

  /** Of the object that begins with `front` (as far as its messages) and has `size` bytes; who asks at the same time shares it. */
  of(header: Ds2Header, front: Uint8Array, size: number): ChainIndex {
    const key = Buffer.from(front).toString("base64");
    const known = this.#indexes.get(key);
    const index = known?.isOf(front, size) ? known : new ChainIndex(header, front, size);
    this.#indexes.delete(key);
    this.#indexes.set(key, index);
    const [oldest] = this.#indexes.keys();
    if (this.#indexes.size > MOST) this.#indexes.delete(oldest!);
    return index;
  }

  get size(): number {
    return this.#indexes.size;
  }
}

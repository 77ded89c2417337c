/** An object in memory as a source that counts what is read of it. Asserts nothing. */
import type { Source } from "../../commands/s3crypt/object/source.ts";

export class CountingSource implements Source {
  readonly size: number;
  readonly gap?: number;
  bytes = 0;
  reads = 0;
  /** The longest read. */
  longest = 0;
  readonly #object: Uint8Array;

  constructor(object: Uint8Array, gap?: number) {
    this.#object = object;
    this.size = object.length;
    if (gap !== undefined) this.gap = gap;
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    if (offset < 0 || length < 0 || offset + length > this.size)
      return Promise.reject(new Error(`${length} bytes from ${offset} on, of ${this.size}`));
    this.bytes += length;
    this.reads++;
    this.longest = Math.max(this.longest, length);
    return Promise.resolve(new Uint8Array(this.#object.subarray(offset, offset + length)));
  }

  /** Begins to count anew. */
  reset(): void {
    this.bytes = this.reads = this.longest = 0;
  }
}

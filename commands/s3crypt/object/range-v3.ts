/** Chunks of an object of version 3 in any order: where they are is arithmetic. */
import { CHUNK, PREAMBLE, SEALED_CHUNK, type Cobblestone } from "../../../lib/cipher/cobblestone.ts";
import { MAC_LENGTH, type ChunkCipher } from "../../../lib/cipher/engine.ts";
import { ObjectError } from "./error.ts";
import { V3_HEADER, type V3Header } from "./header.ts";
import type { Chunks } from "./range.ts";
import { readExactly, windows, type Source } from "./source.ts";
import { expectWhole, openChunks, unwrapKey, v3PlainLength } from "./v3.ts";

const START = V3_HEADER + PREAMBLE;

export class V3Chunks implements Chunks {
  readonly chunkSize = CHUNK;
  readonly plainSize: number;
  readonly endProven = true;
  readonly index = undefined;
  readonly #chunks: Cobblestone;
  readonly #size: number;

  private constructor(chunks: Cobblestone, size: number, plainSize: number) {
    this.#chunks = chunks;
    this.#size = size;
    this.plainSize = plainSize;
  }

  /** `front` is the first bytes of the object, as far as its chunks. Reads the last chunk: only that shows where the object ends. */
  static async open(cipher: ChunkCipher, key: Uint8Array, header: V3Header, front: Uint8Array, source: Source) {
    const own = unwrapKey(key, header);
    expectWhole(header);
    const plainSize = v3PlainLength(source.size);
    if (front.length < START) throw new ObjectError("truncated", "the object ends before its first chunk");
    const opened = openChunks(cipher, own, header, front.subarray(V3_HEADER, START));
    if (plainSize === undefined) throw new ObjectError("truncated", "the object ends before its last chunk does");
    const chunks = new V3Chunks(opened, source.size, plainSize);
    const last = Math.floor(plainSize / CHUNK);
    const at = START + last * SEALED_CHUNK;
    const length = source.size - at;
    chunks.#open(last, await readExactly(source, at, length), new Uint8Array(length - MAC_LENGTH), 0);
    return chunks;
  }

  async *read(source: Source, first: number, last: number): AsyncGenerator<Uint8Array> {
    const end = Math.min(START + (last + 1) * SEALED_CHUNK, this.#size);
    let number = first;
    for await (const bytes of windows(source, START + first * SEALED_CHUNK, end, SEALED_CHUNK)) {
      const out = new Uint8Array(bytes.length - MAC_LENGTH * Math.ceil(bytes.length / SEALED_CHUNK));
      for (let at = 0, to = 0; at < bytes.length; at += SEALED_CHUNK, to += CHUNK)
        this.#open(number++, bytes.subarray(at, at + SEALED_CHUNK), out, to);
      yield out;
    }
  }

  #open(number: number, sealed: Uint8Array, out: Uint8Array, at: number): void {
    if (this.#chunks.open(number, sealed, out, at)) return;
    throw new ObjectError("forged", `chunk ${number} is not as it was written, or the object was cut off within it`);
  }
}

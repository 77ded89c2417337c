/** Reads any range of an object's plaintext, of any format, from a source that is read in any order. See FORMAT.md. */
import { PREAMBLE } from "../../../lib/cipher/cobblestone.ts";
import type { Engine } from "../../../lib/cipher/engine.ts";
import type { ChainIndex } from "./chain-index.ts";
import { decodeHeader, LONGEST_HEADER } from "./header.ts";
import { admit, requiresFinal, type Demands, type Keys, type ObjectKind } from "./open.ts";
import { Ds2Chunks } from "./range-ds2.ts";
import { V3Chunks } from "./range-v3.ts";
import { readExactly, windows, type Source } from "./source.ts";

/** What is behind the header of an object: chunks that are opened one by one, and all as long as the first but the last. */
export interface Chunks {
  /** Plaintext bytes of a chunk. */
  readonly chunkSize: number;
  readonly plainSize: number;
  readonly endProven: boolean;
  readonly index: ChainIndex | undefined;
  /** The plaintext of the chunks from `first` to `last`, whole chunks at a time. Throws `ObjectError`, and what the source throws. */
  read(source: Source, first: number, last: number): AsyncGenerator<Uint8Array>;
}

/** One object. May be kept, and read by several at a time. */
export class ObjectRanges {
  readonly kind: ObjectKind;
  readonly #chunks: Chunks;
  readonly #source: Source;

  constructor(kind: ObjectKind, chunks: Chunks, source: Source) {
    this.kind = kind;
    this.#chunks = chunks;
    this.#source = source;
  }

  /** Of version 3, and where it is demanded of ds2, proven: nothing was cut off. Else what the source says. */
  get plainSize(): number {
    return this.#chunks.plainSize;
  }

  /** Whether `plainSize` is. Of ds2 this may turn out while its last message is read. */
  get endProven(): boolean {
    return this.#chunks.endProven;
  }

  /** Of ds2: what was found out of its chain, to be kept and given to `openRanges` for the same object. */
  get index(): ChainIndex | undefined {
    return this.#chunks.index;
  }

  /**
   * The plaintext from `start` to before `end`, both within `plainSize`, in authentic pieces, each of memory of its own.
   * `source` is another way to the same object. Throws `ObjectError`, and what the source throws; `RangeError` for a range
   * that the object has not, or another size.
   */
  async *readRange(start: number, end: number, source = this.#source): AsyncGenerator<Uint8Array> {
    const { chunkSize, plainSize } = this.#chunks;
    if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end && end <= plainSize))
      throw new RangeError(`no range of ${plainSize} bytes: ${start} to ${end}`);
    if (source.size !== this.#source.size) throw new RangeError("the source is of another size than the object");
    if (start === end) return;
    const [first, last] = [Math.floor(start / chunkSize), Math.floor((end - 1) / chunkSize)];
    let skip = start - first * chunkSize;
    let left = end - start;
    for await (const plain of this.#chunks.read(source, first, last)) {
      const piece = plain.subarray(skip, skip + left);
      skip = 0;
      left -= piece.length;
      yield piece;
    }
  }
}

/**
 * Finds out what the object is and holds it against what is demanded, as `ObjectOpener` does. Reads its front and, to prove
 * the end, its last chunk. `index` may be of any object and from anywhere: where it is not of this one, another is made.
 */
export async function openRanges(
  engine: Engine,
  keys: Keys,
  demands: Demands,
  source: Source,
  index?: ChainIndex,
): Promise<ObjectRanges> {
  const front = await readExactly(source, 0, Math.min(source.size, LONGEST_HEADER + PREAMBLE));
  // All of what a header can be is there, or all of the object.
  const header = decodeHeader(front, true)!;
  const kind = source.size === 0 ? "empty" : header;
  const key = admit(kind, keys, demands);
  if (typeof kind === "string") return new ObjectRanges(kind, new PlainBytes(source.size), source);
  const chunks =
    kind.format === "v3"
      ? await V3Chunks.open(engine.chunks, key!, kind, front, source)
      : await Ds2Chunks.open(engine.messages, key!, kind, front, source, requiresFinal(kind, demands), index);
  return new ObjectRanges(kind, chunks, source);
}

/** What is not encrypted, of which nothing can be shown. */
class PlainBytes implements Chunks {
  readonly chunkSize = 1;
  readonly plainSize: number;
  readonly endProven = false;
  readonly index = undefined;

  constructor(size: number) {
    this.plainSize = size;
  }

  async *read(source: Source, first: number, last: number): AsyncGenerator<Uint8Array> {
    for await (const bytes of windows(source, first, last + 1, 1)) yield bytes;
  }
}

/** Where the parts of an object are, in what is stored and in the plaintext. Opens nothing; see FORMAT.md. */
import { CHUNK, PREAMBLE, SEALED_CHUNK } from "../../../lib/cipher/cobblestone.ts";
import { PART_HEADER } from "./header.ts";
import { partLength } from "./v3.ts";

/** What stands in front of the chunks of a part. */
export const PART_FRONT = PART_HEADER + PREAMBLE;

/** What is known of a part. */
export interface Part {
  /** Undefined where its place is only reckoned from the parts beside it. */
  readonly number: number | undefined;
  /** Bytes of plaintext. */
  readonly plain: number;
  /** Of its plaintext, 16 bytes. */
  readonly md5?: Uint8Array | undefined;
  /** Of its key, 32 bytes: no other attempt at the same part has it. */
  readonly commitment?: Uint8Array | undefined;
}

export interface Place extends Part {
  /** Where it begins, in what is stored and in the plaintext. */
  readonly at: number;
  readonly plainAt: number;
  /** Bytes in what is stored. */
  readonly sealed: number;
}

/** Which stored bytes a range of plaintext needs. */
export interface Needed {
  /** Of the part that it begins in. */
  readonly index: number;
  readonly chunk: number;
  /** Whether the front of that part is not among the bytes: it is needed first. */
  readonly needsFront: boolean;
  readonly from: number;
  readonly to: number;
  /** Bytes of plaintext that come before the range. */
  readonly skip: number;
}

/** All parts of one object, in their order. */
export class Layout {
  readonly objectId: Uint8Array;
  readonly keyId: bigint;
  /** By a manifest: that these are all the parts, and no others, is what the writer said. */
  readonly proven: boolean;
  readonly parts: readonly Place[];
  /** Bytes that are stored. */
  readonly sealed: number;
  readonly plain: number;

  constructor(objectId: Uint8Array, keyId: bigint, proven: boolean, parts: readonly Part[]) {
    this.objectId = objectId;
    this.keyId = keyId;
    this.proven = proven;
    let [at, plainAt] = [0, 0];
    this.parts = parts.map((part) => {
      const place = { ...part, at, plainAt, sealed: partLength(part.plain) };
      at += place.sealed;
      plainAt += part.plain;
      return place;
    });
    this.sealed = at;
    this.plain = plainAt;
  }

  /** For the plaintext from `start` to before `end`, which is not empty and within the object. */
  needed(start: number, end: number): Needed {
    const index = this.#partAt(start);
    const first = this.parts[index]!;
    const last = this.parts[this.#partAt(end - 1)]!;
    const chunk = Math.floor((start - first.plainAt) / CHUNK);
    const behind = last.at + PART_FRONT + (Math.floor((end - 1 - last.plainAt) / CHUNK) + 1) * SEALED_CHUNK;
    return {
      index,
      chunk,
      needsFront: chunk > 0,
      from: chunk === 0 ? first.at : first.at + PART_FRONT + chunk * SEALED_CHUNK,
      to: Math.min(behind, last.at + last.sealed),
      skip: start - first.plainAt - chunk * CHUNK,
    };
  }

  /** The part with the byte of plaintext at `offset`: of parts that begin there the last, since the others have none. */
  #partAt(offset: number): number {
    let [low, high] = [0, this.parts.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.parts[middle]!.plainAt <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

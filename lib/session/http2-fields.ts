/** Header blocks of one HTTP/2 connection: HEADERS and its CONTINUATIONs put together and decoded (RFC 9113 section 4.3). */
import { HpackDecoder, HpackError, type HeaderField } from "../wire/hpack.ts";
import { FLAG, H2_ERROR } from "../wire/http2.ts";
import { broken, calm, ConnectionError } from "./http2-error.ts";

export interface FieldBlock {
  id: number;
  /** Whether the stream ends with it. */
  ended: boolean;
  /** Undefined where they are larger than allowed. */
  fields: readonly HeaderField[] | undefined;
}

export class FieldBlocks {
  readonly #hpack = new HpackDecoder();
  readonly #most: number;
  #parts: Uint8Array[] = [];
  #size = 0;
  #ended = false;
  /** The stream whose block has begun and not ended. */
  open: number | undefined;

  /** `most` bytes of fields, decoded or not. */
  constructor(most: number) {
    this.#most = most;
  }

  /** A HEADERS frame. Answers the block when it is whole; throws `ConnectionError`. */
  begin(flags: number, id: number, payload: Uint8Array): FieldBlock | undefined {
    let from = 0;
    let to = payload.length;
    if ((flags & FLAG.padded) !== 0) {
      to -= payload[0] ?? 0;
      from = 1;
    }
    // Section 5.3.2: priorities are read over.
    if ((flags & FLAG.priority) !== 0) from += 5;
    if (from > to) throw broken("padding is longer than its frame");
    this.open = id;
    this.#ended = (flags & FLAG.endStream) !== 0;
    return this.#add(flags, payload.subarray(from, to));
  }

  /** A CONTINUATION frame. */
  go(flags: number, payload: Uint8Array): FieldBlock | undefined {
    if (this.open === undefined) throw broken("CONTINUATION of nothing");
    return this.#add(flags, payload);
  }

  #add(flags: number, part: Uint8Array): FieldBlock | undefined {
    this.#parts.push(part);
    this.#size += part.length;
    if ((flags & FLAG.endHeaders) === 0) {
      // The connection cannot go on without decoding it, and it is larger than any that is wanted.
      if (this.#size > this.#most) throw calm("a header block is too large");
      return undefined;
    }
    const block = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    const id = this.open!;
    this.open = undefined;
    this.#parts = [];
    this.#size = 0;
    return { id, ended: this.#ended, fields: this.#decode(block) };
  }

  #decode(block: Uint8Array): readonly HeaderField[] | undefined {
    try {
      const { fields, tooLarge } = this.#hpack.decode(block, this.#most);
      return tooLarge ? undefined : fields;
    } catch (error) {
      if (!(error instanceof HpackError)) throw error;
      throw new ConnectionError(H2_ERROR.compression, error.message);
    }
  }
}

/** Objects as ds_proxy writes and reads them: a header, then one secretstream. See FORMAT.md. */
import { FORGED, MESSAGE_OVERHEAD, type MessageCipher } from "../../../lib/cipher/engine.ts";
import { SecretstreamReader, SecretstreamWriter, STREAM_HEADER, TAG } from "../../../lib/cipher/secretstream.ts";
import { ObjectError } from "./error.ts";
import { encodeDs2Header, type Ds2Header } from "./header.ts";
import { NOTHING, Output, Pieces, type Opener, type Sealer } from "./stream.ts";

/** Plaintext bytes of a message, in what is written. */
export const DS2_CHUNK = 16_384;
const HEADER = 56;

/** Of the whole object for `plain` bytes of plaintext; of none there is none. */
export function ds2Length(plain: number): number {
  return plain === 0 ? 0 : HEADER + STREAM_HEADER + plain + MESSAGE_OVERHEAD * Math.ceil(plain / DS2_CHUNK);
}

/** The other way round, for an object with this header; undefined where no plaintext has that length. */
export function ds2PlainLength(sealed: number, { length, chunkSize }: Ds2Header): number | undefined {
  const messages = sealed - length - STREAM_HEADER;
  const rest = messages % (chunkSize + MESSAGE_OVERHEAD);
  if (messages < 0 || (rest > 0 && rest <= MESSAGE_OVERHEAD)) return undefined;
  return messages - MESSAGE_OVERHEAD * Math.ceil(messages / (chunkSize + MESSAGE_OVERHEAD));
}

/** Version 2, with the tag FINAL on the last message, which the readers of ds_proxy take as any other. */
export class Ds2Sealer implements Sealer {
  readonly #stream: SecretstreamWriter;
  readonly #pieces = new Pieces(DS2_CHUNK, true);
  readonly #output = new Output();
  /** What stands in front; undefined once it is out. */
  #front: Uint8Array | undefined;

  /** `streamHeader` is 24 random bytes. */
  constructor(cipher: MessageCipher, key: Uint8Array, keyId: bigint, streamHeader: Uint8Array) {
    this.#stream = new SecretstreamWriter(cipher, key, streamHeader);
    this.#front = Buffer.concat([encodeDs2Header(DS2_CHUNK, keyId), streamHeader]);
  }

  push(plain: Uint8Array): Uint8Array {
    const out = this.#output.room(
      HEADER + STREAM_HEADER + this.#pieces.most(plain.length) * (DS2_CHUNK + MESSAGE_OVERHEAD),
    );
    let length = plain.length === 0 ? 0 : this.#begin(out);
    this.#pieces.push(plain, (message) => (length += this.#stream.seal(message, TAG.message, out, length)));
    return out.subarray(0, length);
  }

  finish(): Uint8Array {
    const { rest } = this.#pieces;
    const out = this.#output.room(rest.length + MESSAGE_OVERHEAD);
    return out.subarray(0, rest.length === 0 ? 0 : this.#stream.seal(rest, TAG.final, out, 0));
  }

  #begin(out: Uint8Array): number {
    const front = this.#front;
    if (front === undefined) return 0;
    this.#front = undefined;
    out.set(front);
    return front.length;
  }
}

/** Reads what stands behind the header, of either version. */
export class Ds2Opener implements Opener {
  readonly #cipher: MessageCipher;
  readonly #key: Uint8Array;
  readonly #start = new Uint8Array(STREAM_HEADER);
  #started = 0;
  #stream: SecretstreamReader | undefined;
  readonly #messageSize: number;
  readonly #pieces: Pieces;
  readonly #output = new Output();
  readonly #requiresFinal: boolean;
  #final = false;
  #count = 0;
  salvaged: Uint8Array = NOTHING;

  /** `requiresFinal`: an object whose last message does not say that it is the last is not whole. */
  constructor(cipher: MessageCipher, key: Uint8Array, { chunkSize }: Ds2Header, requiresFinal: boolean) {
    this.#cipher = cipher;
    this.#key = key;
    this.#messageSize = chunkSize + MESSAGE_OVERHEAD;
    this.#pieces = new Pieces(this.#messageSize);
    this.#requiresFinal = requiresFinal;
  }

  get endProven(): boolean {
    return this.#final;
  }

  push(sealed: Uint8Array): Uint8Array {
    const bytes = this.#stream === undefined ? this.#begin(sealed) : sealed;
    const out = this.#output.room(this.#pieces.most(bytes.length) * this.#messageSize);
    let length = 0;
    try {
      this.#pieces.push(bytes, (message) => (length += this.#open(message, out, length)));
    } catch (error) {
      this.salvaged = out.subarray(0, length);
      throw error;
    }
    return out.subarray(0, length);
  }

  finish(): Uint8Array {
    const { rest } = this.#pieces;
    const out = this.#output.room(rest.length);
    const length = rest.length === 0 ? 0 : this.#open(rest, out, 0);
    if (this.#stream === undefined) throw new ObjectError("truncated", "the object ends before its first message");
    if (this.#requiresFinal && !this.#final)
      throw new ObjectError("unproven_end", "nothing shows that the object ends here: it may have been cut off");
    return out.subarray(0, length);
  }

  /** Takes the header of the stream; what is behind it is left. */
  #begin(sealed: Uint8Array): Uint8Array {
    const taken = Math.min(STREAM_HEADER - this.#started, sealed.length);
    this.#start.set(sealed.subarray(0, taken), this.#started);
    this.#started += taken;
    if (this.#started === STREAM_HEADER) this.#stream = new SecretstreamReader(this.#cipher, this.#key, this.#start);
    return sealed.subarray(taken);
  }

  #open(sealed: Uint8Array, out: Uint8Array, at: number): number {
    const number = this.#count++;
    if (this.#final) throw new ObjectError("forged", "something follows the end of the object");
    // A message of nothing is none that a writer makes.
    if (sealed.length <= MESSAGE_OVERHEAD)
      throw new ObjectError("truncated", `the object ends within message ${number}`);
    const tag = this.#stream!.open(sealed, out, at);
    if (tag === FORGED)
      throw new ObjectError(
        "forged",
        `message ${number} is not as it was written, or not by the key that the header names`,
      );
    this.#final = tag === TAG.final;
    return sealed.length - MESSAGE_OVERHEAD;
  }
}

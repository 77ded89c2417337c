/** Objects of version 3: a header with the object's own key in it, then one Cobblestone-256 ciphertext. See FORMAT.md. */
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import {
  CHUNK,
  Cobblestone,
  cobblestoneLength,
  cobblestonePlainLength,
  COMMITMENT,
  PREAMBLE,
  SALT,
  SEALED_CHUNK,
} from "../../../lib/cipher/cobblestone.ts";
import { MAC_LENGTH, type ChunkCipher } from "../../../lib/cipher/engine.ts";
import { hkdfExpand } from "../../../lib/cipher/hkdf.ts";
import { ObjectError } from "./error.ts";
import { encodeV3Header, FLAG, PART_HEADER, V3_HEADER, WRAPPED_KEY, type V3Header } from "./header.ts";
import { NOTHING, Output, Pieces, type Opener, type Sealer } from "./stream.ts";

const WRAPPING = new TextEncoder().encode("portail s3crypt v3 wrapping key");
const NONCE = 24;

/** Of the whole object for `plain` bytes of plaintext. */
export function v3Length(plain: number): number {
  return V3_HEADER + cobblestoneLength(plain);
}

/** The other way round; undefined where no plaintext has that length. */
export function v3PlainLength(sealed: number): number | undefined {
  return cobblestonePlainLength(sealed - V3_HEADER);
}

/** Of a part of `plain` bytes of plaintext. */
export function partLength(plain: number): number {
  return PART_HEADER + cobblestoneLength(plain);
}

/** The other way round; undefined where no plaintext has that length. */
export function partPlainLength(sealed: number): number | undefined {
  return cobblestonePlainLength(sealed - PART_HEADER);
}

/** What is random about an object. */
export interface V3Randomness {
  readonly objectId: Uint8Array;
  readonly key: Uint8Array;
  readonly wrappingNonce: Uint8Array;
  readonly salt: Uint8Array;
}

export const V3_RANDOM = { objectId: 16, key: 32, wrappingNonce: NONCE, salt: SALT } as const;

/** Which part of an object it is, from 1 on, and the bytes of plaintext that it will be given. */
export interface PartOf {
  readonly part: number;
  readonly plain: number;
}

export class V3Sealer implements Sealer {
  /** That of this key and this header and no others. */
  readonly commitment: Uint8Array;
  readonly #chunks: Cobblestone;
  readonly #pieces = new Pieces(CHUNK);
  readonly #output = new Output();
  #front: Uint8Array | undefined;
  #count = 0;

  /** `key` is the data key of `keyId`: it seals the object's own. `of` where it is a part. */
  constructor(cipher: ChunkCipher, key: Uint8Array, keyId: bigint, random: V3Randomness, of?: PartOf) {
    const { objectId, wrappingNonce: nonce } = random;
    const kind = { flags: of === undefined ? 0 : FLAG.manifest, part: of?.part ?? 0, plain: of?.plain };
    const header = encodeV3Header({ chunkSize: CHUNK, keyId, objectId, ...kind });
    const wrappedAt = header.length - WRAPPED_KEY;
    header.set(nonce, wrappedAt);
    header.set(wrapping(key, header, nonce).encrypt(random.key), wrappedAt + NONCE);
    this.#chunks = new Cobblestone(cipher, random.key, random.salt, header);
    this.commitment = this.#chunks.commitment;
    this.#front = Buffer.concat([header, random.salt, this.#chunks.commitment]);
  }

  push(plain: Uint8Array): Uint8Array {
    const out = this.#room(this.#pieces.most(plain.length));
    let length = this.#begin(out);
    this.#pieces.push(plain, (chunk) => (length += this.#seal(chunk, out, length)));
    return out.subarray(0, length);
  }

  finish(): Uint8Array {
    const out = this.#room(1);
    const length = this.#begin(out);
    return out.subarray(0, length + this.#seal(this.#pieces.rest, out, length));
  }

  #room(chunks: number): Uint8Array {
    return this.#output.room(PART_HEADER + PREAMBLE + chunks * SEALED_CHUNK);
  }

  #begin(out: Uint8Array): number {
    const front = this.#front;
    if (front === undefined) return 0;
    this.#front = undefined;
    out.set(front);
    return front.length;
  }

  #seal(chunk: Uint8Array, out: Uint8Array, at: number): number {
    this.#chunks.seal(this.#count++, chunk, out, at);
    return chunk.length + MAC_LENGTH;
  }
}

/** Reads what stands behind the header. */
export class V3Opener implements Opener {
  readonly endProven = true;
  readonly #cipher: ChunkCipher;
  readonly #key: Uint8Array;
  readonly #header: V3Header;
  readonly #start = new Uint8Array(PREAMBLE);
  #started = 0;
  #chunks: Cobblestone | undefined;
  readonly #pieces = new Pieces(SEALED_CHUNK);
  readonly #output = new Output();
  #count = 0;
  salvaged: Uint8Array = NOTHING;

  /** Throws `ObjectError` where the data key does not open the object's own. */
  constructor(cipher: ChunkCipher, key: Uint8Array, header: V3Header) {
    this.#cipher = cipher;
    this.#header = header;
    this.#key = unwrapKey(key, header);
  }

  /** That of the object's own key and header, once the beginning of the object was seen. */
  get commitment(): Uint8Array | undefined {
    return this.#chunks?.commitment;
  }

  /** Goes on with a later chunk than the next one. The beginning must have been seen, and no chunk yet. */
  skipTo(chunk: number): void {
    this.#count = chunk;
  }

  push(sealed: Uint8Array): Uint8Array {
    const bytes = this.#chunks === undefined ? this.#begin(sealed) : sealed;
    const out = this.#output.room(this.#pieces.most(bytes.length) * CHUNK);
    let length = 0;
    try {
      this.#pieces.push(bytes, (chunk) => (length += this.#open(chunk, out, length)));
    } catch (error) {
      this.salvaged = out.subarray(0, length);
      throw error;
    }
    return out.subarray(0, length);
  }

  finish(): Uint8Array {
    const { rest } = this.#pieces;
    if (rest.length < MAC_LENGTH) throw new ObjectError("truncated", `the object ends before its last chunk does`);
    const out = this.#output.room(CHUNK);
    return out.subarray(0, this.#open(rest, out, 0));
  }

  #begin(sealed: Uint8Array): Uint8Array {
    const taken = Math.min(PREAMBLE - this.#started, sealed.length);
    this.#start.set(sealed.subarray(0, taken), this.#started);
    this.#started += taken;
    if (this.#started === PREAMBLE) this.#chunks = openChunks(this.#cipher, this.#key, this.#header, this.#start);
    return sealed.subarray(taken);
  }

  #open(sealed: Uint8Array, out: Uint8Array, at: number): number {
    const number = this.#count++;
    if (!this.#chunks!.open(number, sealed, out, at))
      throw new ObjectError("forged", `chunk ${number} is not as it was written, or the object was cut off within it`);
    return sealed.length - MAC_LENGTH;
  }
}

/** The object's own key, by the data key. Throws `ObjectError` where that does not open it. */
export function unwrapKey(key: Uint8Array, { bytes, wrappedKey }: V3Header): Uint8Array {
  try {
    return wrapping(key, bytes, wrappedKey.subarray(0, NONCE)).decrypt(wrappedKey.subarray(NONCE, WRAPPED_KEY));
  } catch {
    throw new ObjectError("forged", "the header is not as it was written, or not by the key that it names");
  }
}

/** Throws `ObjectError` for a part of an object, which by itself is none. The header is authentic by now. */
export function expectWhole({ part }: V3Header): void {
  if (part !== 0)
    throw new ObjectError("header", `this is part ${part} of an object that was written in parts, and none by itself`);
}

/** The chunks behind `preamble`. Throws `ObjectError` where the key is not the one that they were made with. */
export function openChunks(cipher: ChunkCipher, key: Uint8Array, header: V3Header, preamble: Uint8Array): Cobblestone {
  const chunks = new Cobblestone(cipher, key, preamble.slice(0, SALT), header.bytes);
  if (!chunks.hasCommitment(preamble.subarray(SALT, SALT + COMMITMENT)))
    throw new ObjectError("forged", "the beginning of the object is not as it was written");
  return chunks;
}

/** The data key itself seals nothing else than what the format of ds_proxy has it seal. */
function wrapping(key: Uint8Array, header: Uint8Array, nonce: Uint8Array) {
  return xchacha20poly1305(hkdfExpand(key, WRAPPING, 32), nonce, header.subarray(0, header.length - WRAPPED_KEY));
}

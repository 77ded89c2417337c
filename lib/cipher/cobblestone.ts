/** C2SP chunked-encryption v1 with AES-256-GCM ("Cobblestone-256", c2sp.org/chunked-encryption): chunks that open in any order. */
import { equalBytes } from "@noble/ciphers/utils.js";
import { MAC_LENGTH, type ChunkCipher } from "./engine.ts";
import { hkdfExpand } from "./hkdf.ts";

export const SALT = 24;
export const COMMITMENT = 32;
/** What stands in front of the chunks. */
export const PREAMBLE = SALT + COMMITMENT;
/** Bytes of plaintext in every chunk but the last, which has less: so its end cannot be cut off unseen. */
export const CHUNK = 16_384;
export const SEALED_CHUNK = CHUNK + MAC_LENGTH;
/** More would let nonces of different ciphertexts meet: no reader and no writer goes on. */
export const MOST_CHUNKS = 2 ** 38;

const NAME = new TextEncoder().encode("c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0");
const KEY = 32;
const NONCE = 12;

/** The length of the whole for `plain` bytes of plaintext, the preamble included. */
export function cobblestoneLength(plain: number): number {
  return PREAMBLE + plain + MAC_LENGTH * (Math.floor(plain / CHUNK) + 1);
}

/** The other way round; undefined where no plaintext has that length. */
export function cobblestonePlainLength(sealed: number): number | undefined {
  const rest = (sealed - PREAMBLE) % SEALED_CHUNK;
  const whole = Math.floor((sealed - PREAMBLE) / SEALED_CHUNK);
  if (sealed < PREAMBLE || rest < MAC_LENGTH || whole >= MOST_CHUNKS) return undefined;
  return whole * CHUNK + rest - MAC_LENGTH;
}

/** The chunks of one ciphertext, each by its number. */
export class Cobblestone {
  /** That of this key, salt and context and no others. */
  readonly commitment: Uint8Array;
  readonly #cipher: ChunkCipher;
  readonly #key: Uint8Array;
  readonly #base: Uint8Array;
  readonly #nonce = new Uint8Array(NONCE);

  /** `key` of 32 bytes, `salt` of 24 random ones, `context` as the reader will have it. Throws `RangeError` for other lengths. */
  constructor(cipher: ChunkCipher, key: Uint8Array, salt: Uint8Array, context: Uint8Array) {
    if (key.length !== KEY || salt.length !== SALT) throw new RangeError("a key has 32 bytes, a salt 24");
    const info = new Uint8Array(NAME.length + SALT + context.length);
    info.set(NAME);
    info.set(salt, NAME.length);
    info.set(context, NAME.length + SALT);
    const derived = hkdfExpand(key, info, KEY + NONCE + COMMITMENT);
    this.#cipher = cipher;
    this.#key = derived.slice(0, KEY);
    this.#base = derived.slice(KEY, KEY + NONCE);
    this.commitment = derived.slice(KEY + NONCE);
  }

  /** Whether it is the key that the ciphertext was made with. */
  hasCommitment(commitment: Uint8Array): boolean {
    return equalBytes(this.commitment, commitment);
  }

  /** Writes `chunk.length + 16` bytes to `out` from `at` on. Throws `RangeError` for more chunks than there may be. */
  seal(number: number, chunk: Uint8Array, out: Uint8Array, at: number): void {
    if (number >= MOST_CHUNKS) throw new RangeError("a ciphertext has at most 2^38 chunks");
    this.#cipher.seal(this.#key, this.#nonceOf(number), chunk, out, at);
  }

  /** Writes `sealed.length - 16` bytes. False where they are not genuine: then they are nothing to be used. */
  open(number: number, sealed: Uint8Array, out: Uint8Array, at: number): boolean {
    return number < MOST_CHUNKS && this.#cipher.open(this.#key, this.#nonceOf(number), sealed, out, at);
  }

  /** The base XORed with the number, which stands big-endian at its end (RFC 8446 section 5.3). */
  #nonceOf(number: number): Uint8Array {
    const nonce = this.#nonce;
    nonce.set(this.#base);
    for (let i = NONCE - 1, left = number; left > 0; i--, left = Math.floor(left / 256)) nonce[i]! ^= left % 256;
    return nonce;
  }
}

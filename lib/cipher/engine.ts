/** What object formats need of a cipher library. All libraries give the same bytes; they differ in speed, and in where they are found. */

/** Messages of secretstream_xchacha20poly1305 (libsodium) under any key and nonce. Chains no messages: that is secretstream.ts. */
export interface MessageCipher {
  /** For people, e.g. `libcrypto 3.0.19`. */
  readonly name: string;
  /** Writes the encrypted tag, the ciphertext and the MAC to `out` from `at` on: `message.length + 17` bytes. */
  seal(key: Uint8Array, nonce: Uint8Array, tag: number, message: Uint8Array, out: Uint8Array, at: number): void;
  /**
   * Writes the message of `sealed` (17 bytes at least) to `out` from `at` on and answers its tag; `FORGED` where the MAC is
   * wrong: what `out` holds there then is nothing to be used.
   */
  open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, out: Uint8Array, at: number): number;
}

/** AES-256-GCM (NIST SP 800-38D) with nonces of 12 bytes, tags of 16 and no associated data. */
export interface ChunkCipher {
  readonly name: string;
  /** Writes ciphertext and tag: `chunk.length + 16` bytes. */
  seal(key: Uint8Array, nonce: Uint8Array, chunk: Uint8Array, out: Uint8Array, at: number): void;
  /** Writes the chunk of `sealed` (16 bytes at least). False where the tag is wrong, as above. */
  open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, out: Uint8Array, at: number): boolean;
}

export interface Engine {
  readonly messages: MessageCipher;
  readonly chunks: ChunkCipher;
}

export const FORGED = -1;
/** What a message takes beside its content: the tag, and the MAC. */
export const MESSAGE_OVERHEAD = 17;
export const MAC_LENGTH = 16;

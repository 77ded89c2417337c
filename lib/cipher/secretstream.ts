/** libsodium's secretstream_xchacha20poly1305: messages in a chain, each by the key and nonce that the ones before it lead to. */
import { chacha20, hchacha } from "@noble/ciphers/chacha.js";
import { FORGED, MAC_LENGTH, MESSAGE_OVERHEAD, type MessageCipher } from "./engine.ts";

/** `FINAL` is on the last message of a stream; a reader that does not find it there has not seen the end. */
export const TAG = { message: 0, push: 1, rekey: 2, final: 3 } as const;

/** Of a stream: 16 bytes from which its key comes, and the beginning of its nonces. */
export const STREAM_HEADER = 24;
const COUNTER = 4;
const INNER_NONCE = 8;

/** `expand 32-byte k`. */
const SIGMA = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574);

/** What the next message is made with. */
class Chain {
  readonly key: Uint8Array;
  readonly nonce = new Uint8Array(COUNTER + INNER_NONCE);

  constructor(key: Uint8Array, header: Uint8Array) {
    this.key = subkey(key, header);
    this.nonce[0] = 1;
    this.nonce.set(header.subarray(16), COUNTER);
  }

  /** Goes on behind a message of this tag and MAC. */
  advance(tag: number, mac: Uint8Array): void {
    const { nonce } = this;
    for (let i = 0; i < INNER_NONCE; i++) nonce[COUNTER + i]! ^= mac[i]!;
    let carries = 0;
    while (carries < COUNTER && (nonce[carries] = (nonce[carries]! + 1) & 255) === 0) carries++;
    if ((tag & TAG.rekey) !== 0 || carries === COUNTER) this.#rekey();
  }

  #rekey(): void {
    const { key, nonce } = this;
    const old = new Uint8Array(key.length + INNER_NONCE);
    old.set(key);
    old.set(nonce.subarray(COUNTER), key.length);
    const next = chacha20(key, nonce, old, undefined, 0);
    key.set(next.subarray(0, key.length));
    nonce.set([1, 0, 0, 0]);
    nonce.set(next.subarray(key.length), COUNTER);
  }
}

/** Makes a stream of messages. `header` is random, and stands in front of them. */
export class SecretstreamWriter {
  readonly #cipher: MessageCipher;
  readonly #chain: Chain;

  /** `key` of 32 bytes. */
  constructor(cipher: MessageCipher, key: Uint8Array, header: Uint8Array) {
    this.#cipher = cipher;
    this.#chain = new Chain(key, header);
  }

  /** Writes the sealed message to `out` from `at` on and answers its length. */
  seal(message: Uint8Array, tag: number, out: Uint8Array, at: number): number {
    const { key, nonce } = this.#chain;
    this.#cipher.seal(key, nonce, tag, message, out, at);
    const end = at + MESSAGE_OVERHEAD + message.length;
    this.#chain.advance(tag, out.subarray(end - MAC_LENGTH, end));
    return end - at;
  }
}

/** Opens the messages of a stream in their order. */
export class SecretstreamReader {
  readonly #cipher: MessageCipher;
  readonly #chain: Chain;

  constructor(cipher: MessageCipher, key: Uint8Array, header: Uint8Array) {
    this.#cipher = cipher;
    this.#chain = new Chain(key, header);
  }

  /** Writes the message to `out` from `at` on and answers its tag, or `FORGED`: then nothing behind it can be opened. */
  open(sealed: Uint8Array, out: Uint8Array, at: number): number {
    const { key, nonce } = this.#chain;
    const tag = this.#cipher.open(key, nonce, sealed, out, at);
    if (tag !== FORGED) this.#chain.advance(tag, sealed.subarray(sealed.length - MAC_LENGTH));
    return tag;
  }
}

/**
 * Opens messages of a stream in any order: the nonce of one hangs on nothing but its number and `links`, the first eight
 * bytes of each MAC before it, one XORed with the next. They need no trust, since a wrong one gives a wrong MAC. Streams in
 * which a tag asks for a new key are `FORGED` behind it.
 */
export class SecretstreamIndexReader {
  readonly #cipher: MessageCipher;
  readonly #key: Uint8Array;
  readonly #header: Uint8Array;

  constructor(cipher: MessageCipher, key: Uint8Array, header: Uint8Array) {
    this.#cipher = cipher;
    this.#key = subkey(key, header);
    this.#header = header;
  }

  /** Opens the message of `number`, from 0, as `SecretstreamReader.open` does. */
  open(number: number, links: Uint8Array, sealed: Uint8Array, out: Uint8Array, at: number): number {
    const nonce = new Uint8Array(COUNTER + INNER_NONCE);
    new DataView(nonce.buffer).setUint32(0, number + 1, true);
    for (let i = 0; i < INNER_NONCE; i++) nonce[COUNTER + i] = this.#header[16 + i]! ^ links[i]!;
    return this.#cipher.open(this.#key, nonce, sealed, out, at);
  }
}

/** HChaCha20 of the key and the first 16 bytes of the header. */
function subkey(key: Uint8Array, header: Uint8Array): Uint8Array {
  const out = new Uint32Array(8);
  hchacha(SIGMA, words(key, 8), words(header, 4), out);
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  out.forEach((word, i) => view.setUint32(4 * i, word, true));
  return bytes;
}

function words(bytes: Uint8Array, count: number): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: count }, (_, i) => view.getUint32(4 * i, true));
}

/** The system's OpenSSL for ciphers that the runtime has not, or has behind more layers. Undefined where none is found. */
import { dlopen } from "bun:ffi";
import { existsSync } from "node:fs";
import { FORGED, MAC_LENGTH, type ChunkCipher, type Engine, type MessageCipher } from "../cipher/engine.ts";
import { BLOCK, endsWithMac, messageMac } from "../cipher/message-mac.ts";

const SYMBOLS = {
  OPENSSL_version_major: { args: [], returns: "u32" },
  OpenSSL_version: { args: ["int"], returns: "cstring" },
  EVP_CIPHER_CTX_new: { args: [], returns: "ptr" },
  EVP_chacha20_poly1305: { args: [], returns: "ptr" },
  EVP_aes_256_gcm: { args: [], returns: "ptr" },
  EVP_chacha20: { args: [], returns: "ptr" },
  EVP_CipherInit_ex: { args: ["ptr", "ptr", "ptr", "ptr", "ptr", "int"], returns: "int" },
  EVP_CipherUpdate: { args: ["ptr", "ptr", "ptr", "ptr", "int"], returns: "int" },
  EVP_CipherFinal_ex: { args: ["ptr", "ptr", "ptr"], returns: "int" },
  EVP_CIPHER_CTX_ctrl: { args: ["ptr", "int", "int", "ptr"], returns: "int" },
} as const;

/** Where distributions put it. A bare name would be looked up in the current directory too. */
const PATHS = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib64", "/lib"]
  .flatMap((folder) => [`${folder}/libcrypto.so.3`, `${folder}/libcrypto.so.4`])
  .filter((path) => existsSync(path));

/** Of EVP_CIPHER_CTX_ctrl. */
const GET_TAG = 0x10;
const SET_TAG = 0x11;
const ENCRYPT = 1;
const DECRYPT = 0;

type Libcrypto = ReturnType<typeof dlopen<typeof SYMBOLS>>["symbols"];
type Pointer = NonNullable<ReturnType<Libcrypto["EVP_CIPHER_CTX_new"]>>;

let opened: Engine | undefined | "no";

/** Opens the library once. */
export function libcryptoMessages(): MessageCipher | undefined {
  return engine()?.messages;
}

/** Opens the library once. */
export function libcryptoChunks(): ChunkCipher | undefined {
  return engine()?.chunks;
}

function engine(): Engine | undefined {
  opened ??= open() ?? "no";
  return opened === "no" ? undefined : opened;
}

function open(): Engine | undefined {
  for (const path of PATHS) {
    try {
      const { symbols } = dlopen(path, SYMBOLS);
      const major = symbols.OPENSSL_version_major();
      if (major !== 3 && major !== 4) continue;
      const name = `libcrypto ${String(symbols.OpenSSL_version(0)).split(" ")[1] ?? ""}`;
      return { messages: new OpensslMessages(symbols, name), chunks: new OpensslChunks(symbols, name) };
    } catch {
      // Of another architecture, or without one of the calls: the next may do.
    }
  }
  return undefined;
}

/**
 * A message is one AEAD ciphertext of RFC 8439, of the block that begins with the tag and of the message behind it, where
 * libsodium's padding is that of the RFC: for multiples of 16 bytes. For others only the MAC is another.
 */
class OpensslMessages implements MessageCipher {
  readonly name: string;
  readonly #libcrypto: Libcrypto;
  readonly #aead: Pointer;
  readonly #stream: Pointer;
  // Buffers of their own do not move.
  readonly #block = new Uint8Array(new ArrayBuffer(BLOCK));
  readonly #sealedBlock = new Uint8Array(new ArrayBuffer(BLOCK));
  readonly #tag = new Uint8Array(new ArrayBuffer(MAC_LENGTH));
  readonly #length = new Int32Array(new ArrayBuffer(4));
  /** Block counter and nonce, as EVP_chacha20 takes them. */
  readonly #counted = new Uint8Array(new ArrayBuffer(16));

  constructor(libcrypto: Libcrypto, name: string) {
    this.#libcrypto = libcrypto;
    this.name = name;
    this.#aead = newContext(libcrypto, libcrypto.EVP_chacha20_poly1305());
    this.#stream = newContext(libcrypto, libcrypto.EVP_chacha20());
  }

  seal(key: Uint8Array, nonce: Uint8Array, tag: number, message: Uint8Array, out: Uint8Array, at: number): void {
    const { length } = message;
    this.#begin(key, nonce, ENCRYPT);
    this.#block[0] = tag;
    this.#update(this.#sealedBlock, this.#block);
    this.#block[0] = 0;
    out[at] = this.#sealedBlock[0]!;
    const ciphertext = out.subarray(at + 1, at + 1 + length);
    if (length > 0) this.#update(ciphertext, message);
    out.set(
      length % 16 === 0 ? this.#aeadTag() : this.#mac(key, nonce, this.#sealedBlock, ciphertext),
      at + 1 + length,
    );
  }

  open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, out: Uint8Array, at: number): number {
    const ciphertext = sealed.subarray(1, sealed.length - MAC_LENGTH);
    const { length } = ciphertext;
    const block = this.#sealedBlock;
    block.set(this.#keystream(key, nonce, 1));
    const tag = sealed[0]! ^ block[0]!;
    block[0] = sealed[0]!;
    const plain = length % 16 === 0;
    // A MAC that the AEAD would not make is checked ahead.
    if (!plain && !endsWithMac(sealed, this.#mac(key, nonce, block, ciphertext))) return FORGED;
    this.#begin(key, nonce, DECRYPT);
    this.#update(this.#block, block);
    this.#block.fill(0);
    if (length > 0) this.#update(out.subarray(at, at + length), ciphertext);
    return plain && !this.#hasTag(sealed.subarray(sealed.length - MAC_LENGTH)) ? FORGED : tag;
  }

  #begin(key: Uint8Array, nonce: Uint8Array, direction: number): void {
    check(this.#libcrypto.EVP_CipherInit_ex(this.#aead, null, null, key, nonce, direction));
  }

  #update(out: Uint8Array, bytes: Uint8Array): void {
    check(this.#libcrypto.EVP_CipherUpdate(this.#aead, out, this.#length, bytes, bytes.length));
  }

  #aeadTag(): Uint8Array {
    const { EVP_CipherFinal_ex: final, EVP_CIPHER_CTX_ctrl: control } = this.#libcrypto;
    check(final(this.#aead, this.#tag, this.#length));
    check(control(this.#aead, GET_TAG, MAC_LENGTH, this.#tag));
    return this.#tag;
  }

  #hasTag(tag: Uint8Array): boolean {
    const { EVP_CipherFinal_ex: final, EVP_CIPHER_CTX_ctrl: control } = this.#libcrypto;
    check(control(this.#aead, SET_TAG, MAC_LENGTH, tag));
    return final(this.#aead, this.#tag, this.#length) === 1;
  }

  #mac(key: Uint8Array, nonce: Uint8Array, block: Uint8Array, ciphertext: Uint8Array): Uint8Array {
    return messageMac(this.#keystream(key, nonce, 0).subarray(0, 32), block, ciphertext);
  }

  /** The block of this number. */
  #keystream(key: Uint8Array, nonce: Uint8Array, number: number): Uint8Array {
    const { EVP_CipherInit_ex: begin, EVP_CipherUpdate: update } = this.#libcrypto;
    this.#counted[0] = number;
    this.#counted.set(nonce, 4);
    const out = new Uint8Array(BLOCK);
    check(begin(this.#stream, null, null, key, this.#counted, ENCRYPT));
    check(update(this.#stream, out, this.#length, this.#block, BLOCK));
    return out;
  }
}

/** AES-256-GCM, of which the library is to be told the direction each time. */
class OpensslChunks implements ChunkCipher {
  readonly name: string;
  readonly #libcrypto: Libcrypto;
  readonly #gcm: Pointer;
  readonly #length = new Int32Array(new ArrayBuffer(4));
  /** Where a last block would go, of which this mode has none. */
  readonly #none = new Uint8Array(new ArrayBuffer(MAC_LENGTH));

  constructor(libcrypto: Libcrypto, name: string) {
    this.#libcrypto = libcrypto;
    this.name = name;
    this.#gcm = newContext(libcrypto, libcrypto.EVP_aes_256_gcm());
  }

  seal(key: Uint8Array, nonce: Uint8Array, chunk: Uint8Array, out: Uint8Array, at: number): void {
    const { EVP_CipherFinal_ex: final, EVP_CIPHER_CTX_ctrl: control } = this.#libcrypto;
    const end = at + chunk.length;
    this.#crypt(key, nonce, ENCRYPT, chunk, out.subarray(at, end));
    check(final(this.#gcm, this.#none, this.#length));
    check(control(this.#gcm, GET_TAG, MAC_LENGTH, out.subarray(end, end + MAC_LENGTH)));
  }

  open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, out: Uint8Array, at: number): boolean {
    const { EVP_CipherFinal_ex: final, EVP_CIPHER_CTX_ctrl: control } = this.#libcrypto;
    const length = sealed.length - MAC_LENGTH;
    this.#crypt(key, nonce, DECRYPT, sealed.subarray(0, length), out.subarray(at, at + length));
    check(control(this.#gcm, SET_TAG, MAC_LENGTH, sealed.subarray(length)));
    return final(this.#gcm, this.#none, this.#length) === 1;
  }

  #crypt(key: Uint8Array, nonce: Uint8Array, direction: number, bytes: Uint8Array, out: Uint8Array): void {
    const { EVP_CipherInit_ex: begin, EVP_CipherUpdate: update } = this.#libcrypto;
    check(begin(this.#gcm, null, null, key, nonce, direction));
    if (bytes.length > 0) check(update(this.#gcm, out, this.#length, bytes, bytes.length));
  }
}

function newContext(libcrypto: Libcrypto, cipher: Pointer | null): Pointer {
  const context = libcrypto.EVP_CIPHER_CTX_new();
  if (context === null || cipher === null) throw new Error("libcrypto lacks a cipher");
  check(libcrypto.EVP_CipherInit_ex(context, cipher, null, null, null, ENCRYPT));
  return context;
}

function check(done: number): void {
  if (done !== 1) throw new Error("libcrypto failed");
}

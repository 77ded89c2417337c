/** The ciphers in plain JavaScript, by @noble/ciphers: there on every machine, and slow. */
import { chacha20 } from "@noble/ciphers/chacha.js";
import { FORGED, MAC_LENGTH, type ChunkCipher, type MessageCipher } from "./engine.ts";
import { BLOCK, endsWithMac, messageMac } from "./message-mac.ts";

export const nobleMessages: MessageCipher = {
  name: "@noble/ciphers",
  seal(key, nonce, tag, message, out, at) {
    const block = keystream(key, nonce, 1);
    block[0]! ^= tag;
    out[at] = block[0]!;
    const ciphertext = out.subarray(at + 1, at + 1 + message.length);
    ciphertext.set(chacha20(key, nonce, message, undefined, 2));
    out.set(messageMac(keystream(key, nonce, 0).subarray(0, 32), block, ciphertext), at + 1 + message.length);
  },
  open(key, nonce, sealed, out, at) {
    const block = keystream(key, nonce, 1);
    const tag = sealed[0]! ^ block[0]!;
    block[0] = sealed[0]!;
    const ciphertext = sealed.subarray(1, -MAC_LENGTH);
    const mac = messageMac(keystream(key, nonce, 0).subarray(0, 32), block, ciphertext);
    if (!endsWithMac(sealed, mac)) return FORGED;
    out.set(chacha20(key, nonce, ciphertext, undefined, 2), at);
    return tag;
  },
};

/** Loaded when it is used: its tables take 8 ms to make, a fifth of a start. */
const aes = () => require("@noble/ciphers/aes.js") as typeof import("@noble/ciphers/aes.js");

export const nobleChunks: ChunkCipher = {
  name: "@noble/ciphers",
  seal: (key, nonce, chunk, out, at) => out.set(aes().gcm(key, nonce).encrypt(chunk), at),
  open(key, nonce, sealed, out, at) {
    let chunk: Uint8Array;
    try {
      chunk = aes().gcm(key, nonce).decrypt(sealed);
    } catch {
      // The one thing that it throws of right lengths: the tag is wrong.
      return false;
    }
    out.set(chunk, at);
    return true;
  },
};

function keystream(key: Uint8Array, nonce: Uint8Array, counter: number): Uint8Array {
  return chacha20(key, nonce, new Uint8Array(BLOCK), undefined, counter);
}

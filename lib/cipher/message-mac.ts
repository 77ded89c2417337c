/** The MAC of a secretstream message, whatever its length. Encrypts nothing. */
import { Poly1305 } from "@noble/ciphers/_poly1305.js";
import { equalBytes } from "@noble/ciphers/utils.js";
import { MAC_LENGTH } from "./engine.ts";

/** The encrypted block that begins with the tag. */
export const BLOCK = 64;

/**
 * Poly1305 of the block and the ciphertext under a one-time key. libsodium pads the ciphertext with as many zeros as it is
 * long modulo 16, where RFC 8439 section 2.8 fills up to 16: for whole multiples the two are the same.
 */
export function messageMac(oneTimeKey: Uint8Array, block: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const lengths = new Uint8Array(16);
  new DataView(lengths.buffer).setUint32(8, BLOCK + ciphertext.length, true);
  return new Poly1305(oneTimeKey)
    .update(block)
    .update(ciphertext)
    .update(new Uint8Array(ciphertext.length % 16))
    .update(lengths)
    .digest();
}

/** Whether the last bytes of `sealed` are `mac`; takes as long whatever they are. */
export function endsWithMac(sealed: Uint8Array, mac: Uint8Array): boolean {
  return equalBytes(sealed.subarray(sealed.length - MAC_LENGTH), mac);
}

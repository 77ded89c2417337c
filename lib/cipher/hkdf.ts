/** HKDF-Expand with SHA-512 (RFC 5869 section 2.3), for keys that are shorter than the hash as well: C2SP's ciphers have 32 bytes. */
import { hmac } from "@noble/hashes/hmac.js";
import { sha512 } from "@noble/hashes/sha2.js";

/** `length` bytes, up to 255 times 64, by `key`, which is uniformly random already. */
export function hkdfExpand(key: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(Math.ceil(length / sha512.outputLen) * sha512.outputLen);
  let last = new Uint8Array(0);
  for (let number = 1, at = 0; at < length; number++, at += last.length) {
    last = Uint8Array.from(hmac.create(sha512, key).update(last).update(info).update(Uint8Array.of(number)).digest());
    out.set(last, at);
  }
  return out.subarray(0, length);
}

/** The digests that signatures are made of, as an interface: in plain JavaScript here, natively where the caller has that. */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";

export interface Sha256 {
  hash(data: Uint8Array): Uint8Array;
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** For data that come in pieces. */
  start(): { update(data: Uint8Array): unknown; digest(): Uint8Array };
}

export const PLAIN_SHA256: Sha256 = {
  hash: sha256,
  hmac: (key, data) => hmac(sha256, key, data),
  start: () => sha256.create(),
};

/** Lower-case hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.prototype.hexSlice.call(bytes, 0, bytes.length);
}

/** Whether two texts are the same, in a time that depends on their lengths alone. */
export function sameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

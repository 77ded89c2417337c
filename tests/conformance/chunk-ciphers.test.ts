/** AES-256-GCM by every library: the test cases of its authors, the same bytes for the same input, and nothing forged. */
import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { runtimeChunks } from "../../commands/s3crypt/engine.ts";
import type { ChunkCipher } from "../../lib/cipher/engine.ts";
import { nobleChunks } from "../../lib/cipher/noble.ts";
import { libcryptoChunks } from "../../lib/ffi/libcrypto.ts";
import { leaveOut } from "../support/needs.ts";

const libcrypto = libcryptoChunks();
if (libcrypto === undefined) leaveOut("chunks by libcrypto", ["libcrypto.so.3"]);

const CIPHERS: [string, ChunkCipher][] = [runtimeChunks, nobleChunks, ...(libcrypto ? [libcrypto] : [])].map(
  (cipher) => [cipher.name, cipher],
);
const AT = 3;

/** Test cases 13 and 14 of McGrew and Viega, "The Galois/Counter Mode of Operation": key, nonce and plaintext of zeros. */
const CASES = [
  { length: 0, sealed: "530f8afbc74536b9a963b4f1c4cb738b" },
  { length: 16, sealed: "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919" },
];

function seal(cipher: ChunkCipher, key: Uint8Array, nonce: Uint8Array, chunk: Uint8Array): Uint8Array {
  const out = new Uint8Array(AT + chunk.length + 16 + AT);
  cipher.seal(key, nonce, chunk, out, AT);
  expect([...out.subarray(0, AT), ...out.subarray(-AT)]).toEqual([0, 0, 0, 0, 0, 0]);
  return out.slice(AT, -AT);
}

test.each(CIPHERS)("%s seals as its authors did", (_, cipher) => {
  for (const { length, sealed } of CASES) {
    const bytes = seal(cipher, new Uint8Array(32), new Uint8Array(12), new Uint8Array(length));
    expect(Buffer.from(bytes).toString("hex")).toBe(sealed);
  }
});

test.each(CIPHERS)("%s opens what another sealed, and nothing that was changed", (_, cipher) => {
  for (const length of [0, 1, 15, 16, 17, 1000, 16_383, 16_384]) {
    const [key, nonce, chunk] = [randomBytes(32), randomBytes(12), new Uint8Array(randomBytes(length))];
    const sealed = seal(nobleChunks, key, nonce, chunk);
    expect(seal(cipher, key, nonce, chunk)).toEqual(sealed);
    const out = new Uint8Array(AT + length);
    expect(cipher.open(key, nonce, sealed, out, AT)).toBe(true);
    expect(out.subarray(AT)).toEqual(chunk);
    for (const at of new Set([0, length >> 1, length, length + 15])) {
      const changed = sealed.slice();
      changed[at]! ^= 1;
      expect(cipher.open(key, nonce, changed, out, AT)).toBe(false);
    }
    expect(cipher.open(key, nonce, sealed, out, AT)).toBe(true);
  }
});

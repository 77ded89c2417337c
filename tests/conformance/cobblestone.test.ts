/** Cobblestone-256 by the vectors of C2SP's Wycheproof (testvectors_v1, Apache License 2.0), and by one of another writer. */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { inflateSync } from "node:zlib";
import {
  CHUNK,
  Cobblestone,
  cobblestonePlainLength,
  MOST_CHUNKS,
  PREAMBLE,
  SALT,
  SEALED_CHUNK,
} from "../../lib/cipher/cobblestone.ts";
import type { ChunkCipher } from "../../lib/cipher/engine.ts";
import { createPrng } from "../adversarial/prng.ts";
import { ENGINES } from "../support/s3crypt.ts";

interface Vector {
  tcId: number;
  comment: string;
  /** In hexadecimal. */
  key: string;
  ctx: string;
  /** Compressed by zlib, in hexadecimal. */
  ct: string;
  msgLength?: number;
  msgSha512?: string;
  result: "valid" | "invalid";
  flags: string[];
}

const FILE = resolve(import.meta.dir, "wycheproof/c2sp_chunked_encryption_aes_256_gcm_test.json");
const { testGroups } = (await Bun.file(FILE).json()) as { testGroups: { tests: Vector[] }[] };
const VECTORS = testGroups.flatMap(({ tests }) => tests);

/** What opens, from the first chunk on, and whether that is all of a whole message. */
function open(cipher: ChunkCipher, key: Uint8Array, context: Uint8Array, sealed: Uint8Array) {
  const given: Uint8Array[] = [];
  const outcome = (whole: boolean) => ({ plain: Buffer.concat(given), whole });
  if (sealed.length < PREAMBLE || key.length !== 32) return outcome(false);
  const chunks = new Cobblestone(cipher, key, sealed.subarray(0, SALT), context);
  if (!chunks.hasCommitment(sealed.subarray(SALT, PREAMBLE))) return outcome(false);
  for (let number = 0, at = PREAMBLE; ; number++, at += SEALED_CHUNK) {
    const chunk = sealed.subarray(at, at + SEALED_CHUNK);
    if (chunk.length < SEALED_CHUNK - CHUNK) return outcome(false);
    const out = new Uint8Array(chunk.length - (SEALED_CHUNK - CHUNK));
    if (!chunks.open(number, chunk, out, 0)) return outcome(false);
    given.push(out);
    if (out.length < CHUNK) return outcome(true);
  }
}

describe.each(ENGINES.map(([, { chunks }]) => [chunks.name, chunks] as const))("by %s", (_, cipher) => {
  test.each(VECTORS.map((vector) => [vector.tcId, vector.comment, vector] as const))(
    "%i: %s",
    (_id, _comment, vector) => {
      const [key, context, compressed] = [vector.key, vector.ctx, vector.ct].map((hex) => Buffer.from(hex, "hex"));
      const sealed = inflateSync(compressed!);
      const { plain, whole } = open(cipher, key!, context!, sealed);
      expect(whole).toBe(vector.result === "valid");
      expect(plain).toHaveLength(vector.msgLength ?? 0);
      if (vector.msgSha512 !== undefined)
        expect(createHash("sha512").update(plain).digest("hex")).toBe(vector.msgSha512);
      if (vector.result === "valid") expect(cobblestonePlainLength(sealed.length)).toBe(vector.msgLength);
    },
  );

  test("32-byte key, 24-byte salt", () => {
    const chunks = new Cobblestone(cipher, Buffer.alloc(32, 1), Buffer.alloc(24, 2), Buffer.from("ctx"));
    const out = new Uint8Array(21);
    chunks.seal(0, Buffer.from("hello"), out, 0);
    expect(Buffer.from(out).toString("hex")).toBe("903a665ca3c385b57391c9e2883f1fd6eb6fe431a2");
    expect(Buffer.from(chunks.commitment).toString("hex")).toBe(
      "5541944b449b32798266039cb4d976bb436e8cac387c28e3a5905bb2ea404c74",
    );
    for (const length of [0, 31, 33])
      expect(() => new Cobblestone(cipher, Buffer.alloc(length), Buffer.alloc(24), Buffer.alloc(0))).toThrow(
        RangeError,
      );
  });

  test("not one chunk more than there may be", () => {
    const chunks = new Cobblestone(cipher, Buffer.alloc(32, 1), Buffer.alloc(24, 2), Buffer.alloc(0));
    const out = new Uint8Array(17);
    chunks.seal(MOST_CHUNKS - 1, Buffer.alloc(1), out, 0);
    expect(chunks.open(MOST_CHUNKS - 1, out, new Uint8Array(1), 0)).toBe(true);
    expect(() => chunks.seal(MOST_CHUNKS, Buffer.alloc(1), out, 0)).toThrow(RangeError);
    // Whatever it may be: a cipher that takes everything is not even asked.
    const gullible: ChunkCipher = { ...cipher, open: () => true };
    const other = new Cobblestone(gullible, Buffer.alloc(32, 1), Buffer.alloc(24, 2), Buffer.alloc(0));
    expect(other.open(MOST_CHUNKS - 1, out, new Uint8Array(1), 0)).toBe(true);
    expect(other.open(MOST_CHUNKS, out, new Uint8Array(1), 0)).toBe(false);
  });
});

test("all engines give the same bytes on 5000 random chunks", () => {
  const random = createPrng(2027);
  const pool = random.bytes(4096);
  for (let i = 0; i < 5000; i++) {
    const length = random.below(random.below(1024) + 1);
    const from = random.below(3000);
    const [key, nonce] = [pool.subarray(from, from + 32), pool.subarray(from + 5, from + 17)];
    const chunk = pool.subarray(from, from + length);
    const [first, ...others] = ENGINES.map(([, { chunks }]) => {
      const sealed = Buffer.alloc(length + 16);
      chunks.seal(key, nonce, chunk, sealed, 0);
      const out = Buffer.alloc(length);
      if (!chunks.open(key, nonce, sealed, out, 0) || !out.equals(chunk)) throw new Error(`chunk ${i} is not opened`);
      return sealed;
    });
    if (!others.every((other) => other.equals(first!))) throw new Error(`chunk ${i} of ${length} bytes`);
  }
});

test("there are vectors of both kinds", () => {
  expect(VECTORS).toHaveLength(35);
  expect(VECTORS.filter(({ result }) => result === "valid")).toHaveLength(10);
});

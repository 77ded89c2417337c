/** Headers of objects: told from what is no object as soon as can be, and kept apart from the memory that they were read in. */
import { describe, expect, test } from "bun:test";
import { ObjectError } from "../../../../../commands/s3crypt/object/error.ts";
import { decodeHeader, encodeDs2Header, encodeV3Header } from "../../../../../commands/s3crypt/object/header.ts";
import { content } from "../../../../support/s3crypt.ts";

const LARGEST_ID = 2n ** 64n - 1n;
const V1 = Uint8Array.from(encodeDs2Header(256, 0n).subarray(0, 48)).with(32, 1);
const V2 = encodeDs2Header(16_384, LARGEST_ID);
const V3 = encodeV3Header({
  chunkSize: 16_384,
  keyId: 12n,
  objectId: content(16, 1),
  flags: 0,
  part: 0,
  plain: undefined,
});
const V3_PART = encodeV3Header({
  chunkSize: 16_384,
  keyId: 12n,
  objectId: content(16, 1),
  flags: 1,
  part: 10_000,
  plain: 5 * 2 ** 30,
});

function troubleOf(bytes: Uint8Array, ended: boolean): string | undefined {
  try {
    decodeHeader(bytes, ended);
  } catch (error) {
    if (error instanceof ObjectError) return error.trouble;
    throw error;
  }
  return undefined;
}

describe.each([
  [V1, { format: "ds2", version: 1, chunkSize: 256, keyId: 0n, length: 48 }] as const,
  [V2, { format: "ds2", version: 2, chunkSize: 16_384, keyId: LARGEST_ID, length: 56 }] as const,
  [V3, { format: "v3", version: 3, keyId: 12n, length: 152, flags: 0, part: 0 }] as const,
  [V3_PART, { format: "v3", keyId: 12n, length: 160, flags: 1, part: 10_000, plain: 5 * 2 ** 30 }] as const,
])("%#", (bytes, fields) => {
  test("all of it, with and without what is behind it", () => {
    expect(bytes).toHaveLength(fields.length);
    for (const ended of [true, false])
      for (const more of [0, 1, 1000])
        expect(decodeHeader(Buffer.concat([bytes, Buffer.alloc(more)]), ended)).toMatchObject(fields);
  });

  test("less of it", () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeHeader(bytes.subarray(0, length), false)).toBeUndefined();
      if (length < 32) expect(decodeHeader(bytes.subarray(0, length), true)).toBe("plaintext");
      else expect(troubleOf(bytes.subarray(0, length), true)).toBe("truncated");
    }
  });

  test("with another first byte it is nothing, at once", () => {
    for (let at = 0; at < 32; at++) {
      const other = bytes.with(at, bytes[at]! ^ 0x20);
      for (let length = at + 1; length <= bytes.length; length++)
        expect(decodeHeader(other.subarray(0, length), false)).toBe("plaintext");
    }
  });
});

test.each([0, 4, 255])("version %i, as soon as it is there", (version) => {
  const other = V2.with(32, version);
  expect(troubleOf(other.subarray(0, 48), false)).toBe("header");
  expect(decodeHeader(other.subarray(0, 47), false)).toBeUndefined();
});

test("chunks of no size, and of more than memory should hold", () => {
  const sized = (size: bigint) => {
    const bytes = Buffer.from(V2);
    bytes.writeBigUInt64LE(size, 40);
    return troubleOf(bytes, true);
  };
  for (const size of [1n, 17n, 16_777_216n]) expect(sized(size)).toBeUndefined();
  for (const size of [0n, 16_777_217n, 2n ** 53n, LARGEST_ID]) expect(sized(size)).toBe("header");
});

test("what was read stays when the memory is used again", () => {
  const memory = Buffer.from(V3);
  const header = decodeHeader(memory, true);
  memory.fill(0);
  if (typeof header !== "object" || header.format !== "v3") throw new Error("another header");
  expect(Buffer.from(header.bytes).equals(V3)).toBe(true);
  expect(Buffer.from(header.objectId).equals(content(16, 1))).toBe(true);
  expect(Buffer.from(header.wrappedKey).equals(V3.subarray(80))).toBe(true);
});

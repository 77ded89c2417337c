/** CRC-32C against the examples of RFC 3720 appendix B.4 and the usual check value. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Crc32c, crc32c } from "../../../../lib/wire/crc32c.ts";
import { ascii } from "../../../conformance/three-ways.ts";

test.each([
  ["32 bytes of zeroes", new Uint8Array(32), 0x8a9136aa],
  ["32 bytes of ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ["32 bytes from 0 upwards", Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ["32 bytes from 31 downwards", Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ["123456789", ascii("123456789"), 0xe3069283],
  ["nothing", new Uint8Array(0), 0],
])("%s", (_, bytes, value) => expect(crc32c(bytes)).toBe(value));

test("four bytes may count as zero, whatever they are", () => {
  const bytes = new Uint8Array(32);
  bytes.set([1, 2, 3, 4], 20);
  expect(crc32c(bytes, 20)).toBe(0x8a9136aa);
  expect(crc32c(bytes, 21)).not.toBe(0x8a9136aa);
});

test("bytes may come in pieces, and eight at a step make the same as one", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.array(fc.nat(20)), fc.nat(100), (bytes, cuts, hole) => {
      const pieces = new Crc32c();
      let from = 0;
      for (const cut of cuts) pieces.update(bytes.subarray(from, (from += cut)));
      expect(pieces.update(bytes.subarray(from)).value).toBe(bitwise(bytes));
      const holed = bytes.map((byte, i) => (i >= hole && i < hole + 4 ? 0 : byte));
      expect(crc32c(bytes, hole)).toBe(bitwise(holed));
    }),
  );
});

function bitwise(bytes: Uint8Array): number {
  let rest = -1;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0x82f63b78 : rest >>> 1;
  }
  return ~rest >>> 0;
}

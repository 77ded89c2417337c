/** CRC-64/NVME against the examples of the NVM Express command set and the catalogue of CRC RevEng. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Crc64Nvme } from "../../../../lib/wire/crc64nvme.ts";
import { ascii } from "../../../conformance/three-ways.ts";

const of = (bytes: Uint8Array) => Buffer.from(new Crc64Nvme().update(bytes).digest()).toString("hex");

test.each([
  ["nothing", new Uint8Array(0), "0000000000000000"],
  ["123456789 (CRC RevEng, CRC-64/NVME)", ascii("123456789"), "ae8b14860a799888"],
  ["4 KiB of zeroes", new Uint8Array(4096), "6482d367eb22b64e"],
  ["4 KiB of ones", new Uint8Array(4096).fill(0xff), "c0ddba7302eca3ac"],
  ["4 KiB from 0 upwards", Uint8Array.from({ length: 4096 }, (_, i) => i), "3e729f5f6750449c"],
  ["4 KiB from 255 downwards", Uint8Array.from({ length: 4096 }, (_, i) => ~i), "9a2df64b8e9e517e"],
])("%s", (_, bytes, value) => expect(of(bytes)).toBe(value));

test("pieces make the same as the whole", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.array(fc.nat(20)), (bytes, cuts) => {
      const crc = new Crc64Nvme();
      let from = 0;
      for (const cut of cuts) crc.update(bytes.subarray(from, (from += cut)));
      expect(Buffer.from(crc.update(bytes.subarray(from)).digest()).toString("hex")).toBe(of(bytes));
    }),
  );
});

test("a bit at a time makes the same", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => expect(of(bytes)).toBe(bitwise(bytes))));
});

function bitwise(bytes: Uint8Array): string {
  let rest = 2n ** 64n - 1n;
  for (const byte of bytes) {
    rest ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) rest = rest & 1n ? (rest >> 1n) ^ 0x9a6c9329ac4bc9b5n : rest >> 1n;
  }
  return (rest ^ (2n ** 64n - 1n)).toString(16).padStart(16, "0");
}

/** Addresses as bytes, where they lie. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeIp, encodeIp, formatIpBytes } from "../../../../lib/wire/ip-bytes.ts";
import { parseIp } from "../../../../lib/wire/ip.ts";
import { hex } from "../../../conformance/three-ways.ts";

test.each([
  ["192.0.2.1", "c0000201"],
  ["255.255.255.255", "ffffffff"],
  ["0.0.0.0", "00000000"],
  ["2001:db8::1", "20010db8 00000000 00000000 00000001"],
  ["::", "00000000 00000000 00000000 00000000"],
  ["fe80::a9fe:a9fe", "fe800000 00000000 00000000 a9fea9fe"],
])("%s", (text, digits) => {
  expect(formatIpBytes(hex(digits))).toBe(text);
  const bytes = hex(`ffff ${digits} ffff`);
  expect(decodeIp(bytes, 2, bytes.length - 4)).toEqual(parseIp(text)!);
  expect(Uint8Array.from(encodeIp(parseIp(text)!))).toEqual(hex(digits));
});

test("a mapped address is IPv4", () => {
  expect(decodeIp(hex("00000000 00000000 0000ffff 7f000001"), 0, 16)).toEqual(parseIp("127.0.0.1")!);
});

test("bytes of an address are read where they lie, as four words of the mapped or full form", () => {
  const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(bytes, fc.nat({ max: 8 }), (address, offset) => {
      const around = new Uint8Array(offset + 16 + 4);
      around.set(address, offset);
      const { a, b, c, d } = decodeIp(around, offset, 16);
      const view = new DataView(address.buffer);
      expect([a, b, c, d]).toEqual([0, 4, 8, 12].map((at) => view.getUint32(at)));
    }),
  );
});

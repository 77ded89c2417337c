import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeIp, encodeIp, formatIpBytes } from "../../../../lib/wire/ip-bytes.ts";
import { formatIp, parseIp } from "../../../../lib/wire/ip.ts";
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
  expect(encodeIp(parseIp(text)!)).toEqual(hex(digits));
});

test("a mapped address is IPv4, in four bytes", () => {
  const ip = decodeIp(hex("00000000 00000000 0000ffff 7f000001"));
  expect(formatIp(ip)).toBe("127.0.0.1");
  expect(encodeIp(ip)).toEqual(hex("7f000001"));
});

test("bytes of an address are read where they lie, and come back", () => {
  const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(bytes, fc.nat({ max: 8 }), (address, offset) => {
      const around = new Uint8Array(offset + 16 + 4);
      around.set(address, offset);
      const ip = decodeIp(around.subarray(offset, offset + 16));
      expect(encodeIp(ip)).toEqual(ip.family === 4 ? address.slice(12) : address);
    }),
  );
});

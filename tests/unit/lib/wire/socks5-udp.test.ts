/** Corners of datagram headers; what RFC 1928 gives is in tests/conformance. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeDestination, encodeHeader, FRAGMENT, headerLength, MALFORMED } from "../../../../lib/wire/socks5-udp.ts";
import { formatIp, ipFromWords } from "../../../../lib/wire/ip.ts";

const word = fc.integer({ min: 0, max: 0xffff_ffff });

test("whatever comes is no header, a fragment, or has a length within it", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, zero) => {
      if (zero) bytes.fill(0, 0, 3);
      const length = headerLength(bytes);
      expect(length).toBeWithin(FRAGMENT, bytes.length + 1);
      if (length > 0) expect(decodeDestination(bytes, length)?.port ?? 0).toBeWithin(0, 65_536);
    }),
  );
});

test("an address comes back as it went", () => {
  fc.assert(
    fc.property(word, word, word, word, fc.nat({ max: 65_535 }), (a, b, c, d, port) => {
      const ip = ipFromWords(a, b, c, d);
      const header = encodeHeader(ip, port);
      expect(headerLength(header)).toBe(header.length);
      expect(decodeDestination(header, header.length)).toEqual({ host: formatIp(ip), ip, port });
    }),
  );
});

test("every cut of a header is malformed, not less than it", () => {
  const headers = ["0000000108080808 0035", "00000003 0161 0035", "00000004 20010db8000000000000000000000001 0035"];
  for (const header of headers.map((digits) => Buffer.from(digits.replaceAll(" ", ""), "hex"))) {
    expect(headerLength(header)).toBe(header.length);
    for (let cut = 0; cut < header.length; cut++) expect(headerLength(header.subarray(0, cut))).toBe(MALFORMED);
  }
});

test("a name that is not UTF-8 names nothing", () => {
  const header = Uint8Array.of(0, 0, 0, 3, 2, 0xc3, 0x28, 0, 53);
  expect(decodeDestination(header, headerLength(header))).toBeUndefined();
});

/** The header of SOCKS5 datagrams and the reply to UDP ASSOCIATE as RFC 1928 sections 6 and 7 lay them out; nothing of our own output. */
import { describe, expect, test } from "bun:test";
import { encodeAssociated } from "../../lib/wire/socks5.ts";
import { decodeDestination, encodeHeader, FRAGMENT, headerLength, MALFORMED } from "../../lib/wire/socks5-udp.ts";
import { parseIp } from "../../lib/wire/ip.ts";
import { hex } from "./three-ways.ts";

describe("section 7: RSV FRAG ATYP DST.ADDR DST.PORT DATA", () => {
  test.each([
    ["IPv4 192.0.2.1:53", "0000 00 01 c0000201 0035", "192.0.2.1", 53],
    ["[2001:db8::1]:443", "0000 00 04 20010db8000000000000000000000001 01bb", "2001:db8::1", 443],
    ["a mapped IPv4", "0000 00 04 00000000000000000000ffffc0000201 0035", "192.0.2.1", 53],
    ["example.com:3478", "0000 00 03 0b 6578616d706c652e636f6d 0d96", "example.com", 3478],
    ["a name of 255 bytes", `0000 00 03 ff ${"6e".repeat(255)} 0001`, "n".repeat(255), 1],
  ])("%s", (_, digits, host, port) => {
    const header = hex(digits);
    for (const data of ["", "00", "ff".repeat(1200)]) {
      const datagram = hex(`${digits} ${data}`);
      expect(headerLength(datagram)).toBe(header.length);
      expect(decodeDestination(datagram, header.length)).toEqual({ host, ip: parseIp(host), port });
    }
  });

  test.each(["01", "7f", "80", "ff"])(
    "FRAG %s: an implementation that does not support fragments drops them",
    (frag) => {
      expect(headerLength(hex(`0000 ${frag} 01 c0000201 0035 61`))).toBe(FRAGMENT);
    },
  );

  test.each([
    ["RSV that is not 0", "0001 00 01 c0000201 0035"],
    ["RSV that is not 0, of a fragment", "0100 01 01 c0000201 0035"],
    ["an unknown address type", "0000 00 02 c0000201 0035"],
    ["an empty name", "0000 00 03 00 0035"],
    ["nothing", ""],
  ])("%s is no header", (_, digits) => expect(headerLength(hex(digits))).toBe(MALFORMED));

  test("what comes back names its source", () => {
    expect(encodeHeader(parseIp("192.0.2.1")!, 53)).toEqual(hex("0000 00 01 c0000201 0035"));
    expect(encodeHeader(parseIp("2001:db8::1")!, 443)).toEqual(hex("0000 00 04 20010db8000000000000000000000001 01bb"));
  });
});

describe("section 6: BND.ADDR and BND.PORT are where the client must send its datagrams", () => {
  test("by IPv4 and by IPv6", () => {
    expect(encodeAssociated(parseIp("127.0.0.1")!, 40_000)).toEqual(hex("05 00 00 01 7f000001 9c40"));
    expect(encodeAssociated(parseIp("::1")!, 1)).toEqual(hex("05 00 00 04 00000000000000000000000000000001 0001"));
  });
});

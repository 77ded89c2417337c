/** SOCKS messages as RFC 1928, RFC 1929 and the memos on SOCKS4 and 4a lay them out, byte by byte; nothing of our own output. */
import { describe, expect, test } from "bun:test";
import { decodeSocks4, encodeSocks4Reply, SOCKS4_REPLY } from "../../lib/wire/socks4.ts";
import {
  decodeGreeting,
  decodePassword,
  decodeRequest,
  encodePasswordStatus,
  encodeReply,
  METHOD_CHOSEN,
  REPLY,
} from "../../lib/wire/socks5.ts";
import { parseIp } from "../../lib/wire/ip.ts";
import { expectReads, hex } from "./three-ways.ts";

describe("RFC 1928 section 3: VER NMETHODS METHODS", () => {
  test.each([
    ["NO AUTHENTICATION REQUIRED", "05 01 00", [0]],
    ["GSSAPI and USERNAME/PASSWORD", "05 02 01 02", [1, 2]],
    ["a private method", "05 03 00 80 fe", [0, 0x80, 0xfe]],
    ["none", "05 00", []],
    ["255 methods", `05 ff ${"00".repeat(254)} 02`, [0, 2]],
  ])("%s", (_, digits, methods) => {
    for (const method of [0, 1, 2, 0x80, 0xfe, 0xff]) {
      expectReads((bytes) => decodeGreeting(bytes, method), hex(digits), methods.includes(method));
    }
  });

  test("the choice: VER METHOD", () => {
    expect(Uint8Array.from(METHOD_CHOSEN.none)).toEqual(hex("05 00"));
    expect(Uint8Array.from(METHOD_CHOSEN.password)).toEqual(hex("05 02"));
    expect(Uint8Array.from(METHOD_CHOSEN.noAcceptable)).toEqual(hex("05 ff"));
  });
});

describe("RFC 1928 section 4 and 5: VER CMD RSV ATYP DST.ADDR DST.PORT", () => {
  test.each([
    ["CONNECT to IPv4 192.0.2.1:80", "05 01 00 01 c0000201 0050", 1, "192.0.2.1", 80],
    ["BIND to 0.0.0.0:0", "05 02 00 01 00000000 0000", 2, "0.0.0.0", 0],
    ["UDP ASSOCIATE, port 65535", "05 03 00 01 7f000001 ffff", 3, "127.0.0.1", 65535],
    ["CONNECT to example.com:443", "05 01 00 03 0b 6578616d706c652e636f6d 01bb", 1, "example.com", 443],
    ["CONNECT to a name of one byte", "05 01 00 03 01 61 0016", 1, "a", 22],
    ["CONNECT to an empty name", "05 01 00 03 00 0016", 1, "", 22],
    ["CONNECT to [2001:db8::1]:443", "05 01 00 04 20010db8000000000000000000000001 01bb", 1, "2001:db8::1", 443],
    ["CONNECT to [::]:1", "05 01 00 04 00000000000000000000000000000000 0001", 1, "::", 1],
    ["CONNECT to a mapped IPv4", "05 01 00 04 00000000000000000000ffff7f000001 0050", 1, "127.0.0.1", 80],
    ["a reserved byte that is not 0", "05 01 7f 01 c0000201 0050", 1, "192.0.2.1", 80],
    ["an unknown command", "05 55 00 01 c0000201 0050", 0x55, "192.0.2.1", 80],
  ])("%s", (_, digits, command, host, port) => {
    const ip = parseIp(host);
    expectReads(decodeRequest, hex(digits), { command, host, ...(ip && { ip }), port });
  });

  test("a name of 255 bytes, the most that its length can say", () => {
    const name = "n".repeat(255);
    const bytes = Uint8Array.from([5, 1, 0, 3, 255, ...Buffer.from(name), 0, 80]);
    expectReads(decodeRequest, bytes, { command: 1, host: name, port: 80 });
  });
});

describe("RFC 1928 section 6: VER REP RSV ATYP BND.ADDR BND.PORT", () => {
  test("the codes", () => {
    const codes = Object.values(REPLY);
    expect(codes).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(REPLY).toMatchObject({ succeeded: 0, notAllowed: 2, networkUnreachable: 3, hostUnreachable: 4 });
    expect(REPLY).toMatchObject({ connectionRefused: 5, ttlExpired: 6, commandNotSupported: 7 });
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8] as const)("the reply %d, without an address", (code) => {
    expect(encodeReply(code)).toEqual(Uint8Array.of(5, code, 0, 1, 0, 0, 0, 0, 0, 0));
  });
});

describe("RFC 1929 section 2: VER ULEN UNAME PLEN PASSWD", () => {
  test.each([
    ["alice, secret", "01 05 616c696365 06 736563726574", "alice", "736563726574"],
    ["an empty password", "01 01 61 00", "a", ""],
    ["a password of any bytes", "01 01 61 03 00ff80", "a", "00ff80"],
    ["a name in UTF-8", "01 02 c3a9 01 78", "é", "78"],
  ])("%s", (_, digits, user, password) => expectReads(decodePassword, hex(digits), { user, password: hex(password) }));

  test("255 bytes each", () => {
    const name = "u".repeat(255);
    const password = Uint8Array.from({ length: 255 }, (_, i) => i);
    const bytes = Uint8Array.from([1, 255, ...Buffer.from(name), 255, ...password]);
    expectReads(decodePassword, bytes, { user: name, password });
  });

  test("the answer: VER STATUS, 0 for success and anything else for failure", () => {
    expect(encodePasswordStatus(true)).toEqual(hex("01 00"));
    expect(encodePasswordStatus(false)).toEqual(hex("01 01"));
  });
});

describe("SOCKS4 and SOCKS4a: VN CD DSTPORT DSTIP USERID NULL [DOMAIN NULL]", () => {
  test.each([
    ["CONNECT 66.102.7.99:80 by Fred", "04 01 0050 42660763 46726564 00", 1, "66.102.7.99", 80, "Fred"],
    ["without a user id", "04 01 0016 7f000001 00", 1, "127.0.0.1", 22, ""],
    ["BIND", "04 02 0016 7f000001 00", 2, "127.0.0.1", 22, ""],
    ["0.0.0.0 is an address, no announcement of a name", "04 01 0050 00000000 00", 1, "0.0.0.0", 80, ""],
    ["4a: 0.0.0.1 and a name", "04 01 0050 00000001 00 6578616d706c652e636f6d 00", 1, "example.com", 80, ""],
    ["4a: 0.0.0.255, a user id and a name", "04 01 0050 000000ff 46726564 00 61 00", 1, "a", 80, "Fred"],
  ])("%s", (_, digits, command, host, port, userId) => {
    expectReads(decodeSocks4, hex(digits), { command, host, port, userId });
  });

  test("the reply: VN is 0, CD is 90 or 91", () => {
    expect(encodeSocks4Reply(SOCKS4_REPLY.granted)).toEqual(hex("00 5a 0000 00000000"));
    expect(encodeSocks4Reply(SOCKS4_REPLY.rejected)).toEqual(hex("00 5b 0000 00000000"));
  });
});

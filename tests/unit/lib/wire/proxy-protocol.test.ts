/** PROXY headers of version 1 after proxy-protocol.txt: what is read, what is refused and from which byte on; and how either version is told. */
import { describe, expect, test } from "bun:test";
import { decodeProxyHeader, detectProxyHeader } from "../../../../lib/wire/proxy-protocol.ts";
import type { ProxyHeader } from "../../../../lib/wire/proxy-v2.ts";
import { ascii, expectReads } from "../../../conformance/three-ways.ts";
import { CLIENT, CLIENT6, refusedFrom } from "./proxy-headers.ts";

describe("version 1", () => {
  const v1 = (value: Partial<ProxyHeader>): ProxyHeader => ({ version: 1, local: false, ...value });
  const addresses = (source: string, destination: string, from: number, to: number) =>
    v1({ source: { ip: source, port: from }, destination: { ip: destination, port: to } });

  test.each([
    ["PROXY TCP4 192.0.2.1 198.51.100.2 56324 443", v1(CLIENT)],
    [
      "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535",
      addresses("255.255.255.255", "255.255.255.255", 65535, 65535),
    ],
    ["PROXY TCP4 0.0.0.0 1.2.3.4 0 0", addresses("0.0.0.0", "1.2.3.4", 0, 0)],
    ["PROXY TCP6 2001:db8::1 2001:DB8:0:0:0:0:0:2 1 65535", v1(CLIENT6)],
    ["PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6402 56324 443", v1(CLIENT)],
    [
      `PROXY TCP6 ${"ffff:".repeat(7)}ffff ${"ffff:".repeat(7)}ffff 65535 65535`,
      addresses(`${"ffff:".repeat(7)}ffff`, `${"ffff:".repeat(7)}ffff`, 65535, 65535),
    ],
    ["PROXY UNKNOWN", v1({})],
    ["PROXY UNKNOWN ", v1({})],
    ["PROXY UNKNOWN \x01 what\x00ever \xff", v1({})],
    [`PROXY UNKNOWN ${"x".repeat(91)}`, v1({})],
  ])("%j", (line, value) => expectReads(decodeProxyHeader, ascii(`${line}\r\n`), value));

  test.each([
    ["another word", "PROXX TCP4", 5],
    ["lower case", "proxy TCP4", 1],
    ["a tab", "PROXY\tTCP4", 6],
    ["another protocol", "PROXY UDP4 1.2.3.4", 8],
    ["a protocol that goes on", "PROXY TCP46 1.2.3.4", 11],
    ["two spaces", "PROXY  TCP4 1.2.3.4", 7],
    ["a name for an address", "PROXY TCP4 localhost", 12],
    ["a line end without CR", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", 31],
    ["a CR within the line", "PROXY TCP4 1.2.3.4\r 1.2.3.4 1 2\r\n", 20],
    ["no line end in 107 bytes", `PROXY UNKNOWN ${"x".repeat(200)}`, 107],
    ["UNKNOWN that goes on", "PROXY UNKNOWNS\r\n", 14],
  ])("refused at its first wrong byte: %s", (_, line, from) => expect(refusedFrom(ascii(line))).toBe(from));

  test.each([
    "TCP4 1.2.3.4 1.2.3.4 1",
    "TCP4 1.2.3.4 1.2.3.4 1 2 3",
    "TCP4 1.2.3.4 1.2.3.4 1 2 ",
    "TCP4 1.2.3.4  1.2.3.4 1 2",
    "TCP4 1.2.3.4 1.2.3.4 01 2",
    "TCP4 1.2.3.4 1.2.3.4 1 65536",
    "TCP4 1.2.3.4 1.2.3.4 1 a",
    "TCP4 1.2.3.04 1.2.3.4 1 2",
    "TCP4 1.2.3 1.2.3.4 1 2",
    "TCP4 1.2.3.256 1.2.3.4 1 2",
    "TCP4 2001:db8::1 2001:db8::2 1 2",
    "TCP6 1.2.3.4 1.2.3.4 1 2",
    "TCP6 ::1%1 ::1 1 2",
    "TCP6 ::1 ::g 1 2",
    "TCP4",
    "TCP6 ",
  ])("refused once the line is whole, at the latest: %j", (fields) => {
    const bytes = ascii(`PROXY ${fields}\r\n`);
    expect(refusedFrom(bytes)).toBeGreaterThan(8);
    expect(decodeProxyHeader(Uint8Array.from([...bytes, 1, 2, 3])).kind).toBe("bad");
  });
});

test("whether it is a header at all is known at the first byte that belongs to none", () => {
  expect(detectProxyHeader(new Uint8Array(0))).toBe("more");
  for (const [text, version] of [
    ["PROXY ", 1],
    ["\r\n\r\n\0\r\nQUIT\n", 2],
  ] as const) {
    const bytes = ascii(text);
    expect(detectProxyHeader(bytes)).toBe(version);
    expect(detectProxyHeader(Uint8Array.from([...bytes, 0xff]))).toBe(version);
    for (let i = 0; i < bytes.length; i++) {
      expect(detectProxyHeader(bytes.slice(0, i))).toBe("more");
      const other = bytes.slice(0, i + 1);
      other[i]! ^= 0x20;
      expect(detectProxyHeader(other)).toBe("none");
    }
  }
  for (const text of ["\x16\x03\x01", "GET /", "PUT /", "\x05\x01\x00", "SSH-2.0-", "\0\0\0\x08", "\r\n\r\nG"]) {
    expect(detectProxyHeader(ascii(text))).toBe("none");
  }
});

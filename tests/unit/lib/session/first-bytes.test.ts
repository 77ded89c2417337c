/** Protocols that share a port are told apart by their first bytes, as early as can be and in any split. */
import { describe, expect, test } from "bun:test";
import { Pattern } from "../../../../lib/acl/pattern/pattern.ts";
import {
  FIRST_BYTES,
  FirstBytesReader,
  MOST_FIRST_BYTES,
  recogniseFirstBytes,
  type FirstBytesName,
} from "../../../../lib/session/first-bytes.ts";
import { hex } from "../../../conformance/three-ways.ts";
import { playPreface } from "./play-preface.ts";

const text = (value: string) => Buffer.from(value, "latin1");

/** What real clients send first, and after how many bytes it is clear. */
const CLIENTS: [FirstBytesName, Uint8Array, number][] = [
  ["tls", hex("1603010200010001fc0303"), 1],
  ["ssh", text("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"), 4],
  ["http", text("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 4],
  ["http", text("PROPFIND /dav HTTP/1.1\r\n"), 9],
  ["http", text("PUT /x HTTP/1.1\r\n"), 4],
  ["http", text("CONNECT a.example:443 HTTP/1.1\r\n"), 8],
  ["h2", text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 24],
  ["socks5", hex("05010002"), 1],
  ["socks4", hex("0401005000000001"), 1],
  ["postgres-tls", hex("0000000804d2162f"), 8],
  ["postgres-gssapi", hex("0000000804d21630"), 8],
  ["postgres-cancel", hex("0000001004d2162e0000000100000002"), 8],
  ["postgres-plain", hex("0000000d000300007573657200"), 8],
];

describe("known by themselves", () => {
  test.each(CLIENTS)("%s", (name, bytes, needed) => {
    for (let length = 0; length < bytes.length; length++)
      expect([length, recogniseFirstBytes(bytes.subarray(0, length))]).toEqual([
        length,
        length < needed ? "more" : name,
      ]);
    expect(recogniseFirstBytes(bytes)).toBe(name);
  });

  test("every name there is", () => expect(new Set(CLIENTS.map(([name]) => name))).toEqual(new Set(FIRST_BYTES)));

  test.each([
    ["EHLO a\r\n", 1],
    ["SSL-", 3],
    ["SEARCX", 6],
    ["GETX", 4],
    ["get / HTTP/1.1", 1],
    ["PRI * HTTP/1.1", 12],
    ["\0\0\0\x08\0\0\0\0", 8],
    ["\0\x01", 2],
    ["\x80.\x01", 1],
    ["\r\n\r\n", 1],
  ])("nothing: %j", (sent, from) => {
    const bytes = text(sent);
    for (let length = 0; length <= bytes.length; length++)
      expect([length, recogniseFirstBytes(bytes.subarray(0, length))]).toEqual([
        length,
        length < from ? "more" : "unknown",
      ]);
  });
});

function patterns(...texts: string[]): Pattern[] {
  return texts.map((one) => {
    const { pattern } = Pattern.compile(one);
    if (pattern === undefined) throw new Error(`${one} is no pattern`);
    return pattern;
  });
}

const reader = (names: FirstBytesName[], ...texts: string[]) =>
  new FirstBytesReader({ names: new Set(names), patterns: patterns(...texts) });

const bytewise = (value: string) => Array.from(text(value), (byte) => Uint8Array.of(byte));

describe("a reader", () => {
  test("comes to a name, with all that was read behind it", () => {
    expect(playPreface(reader(["ssh"]), bytewise("SSH-2"))).toEqual([{ done: { name: "ssh" }, rest: "SSH-" }]);
    expect(playPreface(reader(["ssh"]), [text("SSH-2.0-x\r\n")])).toEqual([
      { done: { name: "ssh" }, rest: "SSH-2.0-x\r\n" },
    ]);
  });

  test("what is not expected is unknown, at once", () => {
    const unknown = { fail: "unknown_protocol", reason: "the client speaks nothing that is expected here" };
    expect(playPreface(reader(["ssh"]), [text("GET ")])).toEqual([unknown]);
    expect(playPreface(reader(["tls", "ssh"]), [text("E")])).toEqual([unknown]);
  });

  test("patterns are held in order against what has no expected name, as it grows", () => {
    const both = () => reader(["ssh"], "^EHLO .*\\r\\n", "^(?:EHLO|HELO)", "^GET /special ");
    expect(playPreface(both(), bytewise("EHLO a\r\nMAIL"))).toEqual([{ done: { pattern: 1 }, rest: "EHLO" }]);
    expect(playPreface(both(), [text("EHLO a\r\n")])).toEqual([{ done: { pattern: 0 }, rest: "EHLO a\r\n" }]);
    expect(playPreface(both(), bytewise("GET /special x"))).toEqual([{ done: { pattern: 2 }, rest: "GET /special " }]);
    expect(playPreface(both(), [text("SSH-2.0 EHLO")])).toEqual([{ done: { name: "ssh" }, rest: "SSH-2.0 EHLO" }]);
  });

  test("patterns see bytes as characters of one byte each", () => {
    expect(playPreface(reader([], "^\\xff\\x00é$"), [hex("ff00e9")])).toEqual([
      { done: { pattern: 0 }, rest: "\xff\0\xe9" },
    ]);
  });

  test("patterns that match nothing give up at their limit, or at the end", () => {
    const step = { fail: "unknown_protocol", reason: "the client speaks nothing that is expected here" };
    expect(playPreface(reader([], "never"), [new Uint8Array(MOST_FIRST_BYTES - 1).fill(65)])).toEqual([]);
    expect(playPreface(reader([], "never"), [new Uint8Array(MOST_FIRST_BYTES).fill(65)])).toEqual([step]);
    expect(playPreface(reader([], "never"), [text("A")], true)).toEqual([step]);
    expect(playPreface(reader([], "^S"), [text("S")], true)).toEqual([{ done: { pattern: 0 }, rest: "S" }]);
  });

  test("a client that says nothing", () => {
    const silent = reader(["ssh"]);
    expect(silent.silent).toBe(true);
    expect(playPreface(silent, [], true)).toMatchObject([{ fail: "no_bytes" }]);
    silent.receive(text("S"));
    expect(silent.silent).toBe(false);
  });
});

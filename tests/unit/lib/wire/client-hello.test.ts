/** What a ClientHello may say and may not, field by field, after RFC 8446, 6066, 7301 and 8701. */
import { describe, expect, test } from "bun:test";
import { decodeClientHello, isGrease } from "../../../../lib/wire/client-hello.ts";
import {
  helloBody,
  numbers,
  protocolIds,
  serverName,
  text,
  vector,
  type HelloParts,
} from "../../../support/make-hello.ts";

function read(parts: HelloParts) {
  const decoded = decodeClientHello(helloBody(parts));
  if (decoded.kind !== "ok") throw new Error(JSON.stringify(decoded));
  return decoded.value;
}

function refusal(parts: HelloParts): [string, string] {
  const decoded = decodeClientHello(helloBody(parts));
  return decoded.kind === "bad" ? [decoded.code, decoded.reason] : ["ok", ""];
}

describe("the server name", () => {
  test.each([
    ["a.example", "a.example"],
    ["A.EXAMPLE", "a.example"],
    ["_x-1.a.example", "_x-1.a.example"],
    ["localhost", "localhost"],
    ["xn--mnchen-3ya.example", "xn--mnchen-3ya.example"],
  ])("%j is %j", (sent, name) => {
    expect(read({ extensions: [serverName(sent)] })).toMatchObject({ serverName: name, addressAsName: false });
  });

  test.each(["127.0.0.1", "0x7f.1", "2130706433", "::1", "[::1]"])("an address counts as none: %s", (sent) => {
    expect(read({ extensions: [serverName(sent)] })).toMatchObject({ serverName: undefined, addressAsName: true });
  });

  test.each([
    "",
    ".",
    "a.example.",
    "a..example",
    "a b",
    "a\0b",
    "b\u00fccher.example",
    "a/b",
    "a@b",
    "*.example",
    `${"a".repeat(64)}.example`,
    "a.".repeat(127),
    "a".repeat(256),
    "xn--.example",
  ])("is refused: %j", (sent) => {
    expect(refusal({ extensions: [serverName(sent)] })[0]).toBe("hello_server_name");
  });

  test("one of another kind, or two, are refused", () => {
    const host = Buffer.concat([numbers(1, 0), vector(2, text("a.example"))]);
    const other = Buffer.concat([numbers(1, 1), vector(2, text("a.example"))]);
    expect(refusal({ extensions: [[0, vector(2, other)]] })[0]).toBe("hello_server_name");
    expect(refusal({ extensions: [[0, vector(2, host, host)]] })[0]).toBe("hello_server_name");
    expect(refusal({ extensions: [[0, vector(2)]] })[0]).toBe("hello_malformed");
    expect(refusal({ extensions: [[0, new Uint8Array(0)]] })[0]).toBe("hello_malformed");
    expect(refusal({ extensions: [[0, Buffer.concat([vector(2, host), numbers(1, 0)])]] })[0]).toBe("hello_malformed");
  });

  test("there may be none", () => {
    for (const extensions of [undefined, []])
      expect(read({ extensions })).toMatchObject({ serverName: undefined, addressAsName: false });
  });
});

describe("protocol ids", () => {
  test("keep the client's order, without GREASE and without what is no text", () => {
    const extensions = [protocolIds("\x3a\x3a", "h2", "\xff\xfe", "teleport-auth@leaf", "\x0a\x0b", "h2")];
    expect(read({ extensions }).protocolIds).toEqual(["h2", "teleport-auth@leaf", "\n\v", "h2"]);
  });

  test("none offered is not the same as none known", () => {
    expect(read({ extensions: [] }).protocolIds).toBeUndefined();
    expect(read({ extensions: [protocolIds("\x1a\x1a")] }).protocolIds).toEqual([]);
  });

  test.each([
    ["an empty list", vector(2)],
    ["an empty id", vector(2, vector(1, text("h2")), vector(1))],
    ["an id that is cut off", vector(2, numbers(1, 3), text("h2"))],
    ["no list", new Uint8Array(0)],
    ["something behind the list", Buffer.concat([vector(2, vector(1, text("h2"))), numbers(1, 0)])],
  ])("refused: %s", (_, data) => {
    expect(refusal({ extensions: [[16, data]] })[0]).toBe("hello_malformed");
  });
});

describe("the rest", () => {
  test("versions: of the extension without GREASE, else of the hello", () => {
    expect(read({ extensions: [[43, vector(1, numbers(2, 0x2a2a, 0x0304, 0x0303))]] }).versions).toEqual([
      0x0304, 0x0303,
    ]);
    expect(read({ version: 0x0301 }).versions).toEqual([0x0301]);
  });

  test("session id, encrypted hello, resumption, early data", () => {
    const sessionId = new Uint8Array(32).fill(9);
    const extensions: [number, Uint8Array][] = [
      [0xfe0d, Uint8Array.of(0, 1, 2)],
      [42, new Uint8Array(0)],
      [41, Uint8Array.of(1)],
    ];
    expect(read({ sessionId, extensions })).toMatchObject({
      sessionId,
      encrypted: true,
      resumes: true,
      earlyData: true,
    });
    expect(read({})).toMatchObject({
      sessionId: new Uint8Array(0),
      encrypted: false,
      resumes: false,
      earlyData: false,
    });
    expect(read({ extensions: [[0xfe0d, Uint8Array.of(1)]] }).encrypted).toBe(false);
  });

  const BROKEN: [string, HelloParts][] = [
    ["a version of SSL 2", { version: 0x0002 }],
    ["a session id of 33 bytes", { sessionId: new Uint8Array(33) }],
    ["no cipher suites", { suites: new Uint8Array(0) }],
    ["an odd list of suites", { suites: new Uint8Array(3) }],
    ["no compression", { compressions: new Uint8Array(0) }],
    ["no null compression", { compressions: Uint8Array.of(1) }],
    ["bytes behind the extensions", { behind: new Uint8Array(1) }],
    ["half a length of extensions", { extensions: undefined, behind: new Uint8Array(1) }],
    ["an extension twice", { extensions: [protocolIds("a"), serverName("a.example"), protocolIds("b")] }],
    ["an extension behind the pre-shared key", { extensions: [[41, new Uint8Array(0)], serverName("a.example")] }],
    ["an odd list of versions", { extensions: [[43, vector(1, new Uint8Array(3))]] }],
    ["no versions", { extensions: [[43, vector(1)]] }],
  ];
  test.each(BROKEN)("refused: %s", (_, parts) => expect(refusal(parts)[0]).toBe("hello_malformed"));

  test("every hello that is cut short is refused, and says what is missing", () => {
    const body = helloBody({ sessionId: new Uint8Array(4), extensions: [serverName("a.example"), protocolIds("h2")] });
    const without = 2 + 32 + 5 + 4 + 2;
    for (let length = 0; length < body.length; length++) {
      const decoded = decodeClientHello(body.subarray(0, length));
      // Before TLS 1.3 extensions may be missing altogether.
      expect([length, decoded.kind]).toEqual([length, length === without ? "ok" : "bad"]);
    }
  });
});

test("GREASE is sixteen values", () => {
  const values = Array.from({ length: 65_536 }, (_, i) => i).filter(isGrease);
  expect(values).toEqual(Array.from({ length: 16 }, (_, i) => (i * 16 + 10) * 257));
});

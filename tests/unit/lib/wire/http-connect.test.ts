/** Corners of CONNECT heads; what the specifications give is in tests/conformance. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeConnect } from "../../../../lib/wire/http-connect.ts";
import { ascii, expectReads } from "../../../conformance/three-ways.ts";
import { decodeWholeConnect } from "../../../support/connect-head.ts";

describe("the end of a head", () => {
  test("is an empty line, ended by CRLF or LF", () => {
    for (const end of ["\r\n\r\n", "\n\n", "\r\n\n", "\n\r\n"]) {
      expectReads(decodeWholeConnect, ascii(`CONNECT a:1 HTTP/1.0${end}`), {
        host: "a",
        port: 1,
        version: "1.0",
        headers: [],
      });
    }
  });

  test("is no CR in the middle of a line", () => {
    expect(decodeConnect(ascii("CONNECT a:1 HTTP/1.0\r\nA: b\r\r\n")).kind).toBe("more");
    expect(decodeConnect(ascii("CONNECT a:1 HTTP/1.0\r\nA: b\r\r\n\r\n")).kind).toBe("bad");
  });

  test("may come before any line: that is no request", () => {
    expect(decodeConnect(ascii("\r\n\r\n")).kind).toBe("bad");
    expect(decodeConnect(ascii("\n\n")).kind).toBe("bad");
  });
});

test("a host is not cut at what only some parsers stop at", () => {
  for (const target of ["a\tb:1", "a#b:1", "a?b:1", "a/b:1", "a@b:1", "[::1]x:1", "[g]:1", "a:1:2", ":1", "a:-1"]) {
    expect(decodeConnect(ascii(`CONNECT ${target} HTTP/1.0\r\n\r\n`)).kind, target).toBe("bad");
  }
});

test("no head is read that names no target, whatever it holds", () => {
  const line = fc.string({ unit: fc.constantFrom(...'ab:1/ \t\r\n"@[]\0\u0080'), maxLength: 20 });
  fc.assert(
    fc.property(line, fc.array(line, { maxLength: 3 }), (target, lines) => {
      const decoded = decodeConnect(ascii(`CONNECT ${target} HTTP/1.0\r\n${lines.join("\r\n")}\r\n\r\n`));
      if (decoded.kind !== "ok") return;
      expect(decoded.value.host).toMatch(/^[^\s:@/?#[\]]+$|^\[[0-9A-Fa-f:.]+\]$/);
      expect(decoded.value.port).toBeWithin(0, 65_536);
    }),
    { numRuns: 500 },
  );
});

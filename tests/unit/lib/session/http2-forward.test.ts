/** An HTTP/2 request as HTTP/1.1 states it, and the way back: RFC 9113 sections 8.2 and 8.3, RFC 9110 sections 6.4, 7.6 and 8.6. */
import { describe, expect, test } from "bun:test";
import { targetOfRequest, toHttp1Fields, toHttp2Answer } from "../../../../lib/session/http2-forward.ts";
import { parseHttp2Request, type Http2Request } from "../../../../lib/session/http2-request.ts";
import { areTrailers } from "../../../../lib/session/http2-check.ts";
import type { Field } from "../../../../lib/wire/http-forward.ts";

const requestOf = (
  { method = "GET", scheme = "http", path = "/", authority = "h.example" },
  fields: readonly Field[] = [],
  ended = true,
): Http2Request => {
  const pseudo: Field[] = [
    [":method", method],
    [":scheme", scheme],
    [":path", path],
    [":authority", authority],
  ];
  const parsed = parseHttp2Request([...pseudo, ...fields], ended);
  if (typeof parsed === "string") throw new Error(parsed);
  return parsed;
};
const target = (given: Parameters<typeof requestOf>[0], fields: readonly Field[] = []) =>
  targetOfRequest(requestOf(given, fields));

describe("targets", () => {
  test("authority, path and query, as sent", () => {
    expect(target({ authority: "h.example:8042", path: "/a/../%2e?b=?c" })).toEqual({
      host: "h.example",
      port: 8042,
      authority: "h.example:8042",
      rest: "/a/../%2e?b=?c",
      path: "/a/../%2e",
      query: "b=?c",
    });
    expect(target({ scheme: "HTTP", authority: "[::1]" })).toMatchObject({ host: "[::1]", port: 80, rest: "/" });
    expect(target({ path: "//other.example/" })).toMatchObject({ host: "h.example", rest: "//other.example/" });
  });

  test("the server itself", () => {
    expect(target({ method: "OPTIONS", path: "*" })).toMatchObject({ rest: "*", path: "*", query: "" });
    expect(target({ method: "GET", path: "*" })).toBeUndefined();
    expect(target({ method: "OPTIONS", path: "*x" })).toBeUndefined();
  });

  test.each([
    [{ scheme: "https" }],
    [{ path: "a" }],
    [{ path: "?a" }],
    [{ path: "/a b" }],
    [{ path: "/a\tb" }],
    [{ path: "/a#b" }],
    [{ path: "/\u00e9" }],
    [{ path: "/\u0085" }],
    [{ authority: "\u00e9.example" }],
    [{ path: "http://h.example/" }],
    [{ authority: "h.example/" }],
    [{ authority: "h.example?" }],
    [{ authority: "h.example#" }],
    [{ authority: "a@h.example" }],
    [{ authority: "h.example:65536" }],
    [{ authority: "h.example:80:80" }],
    [{ authority: "::1" }],
    [{ authority: "h .example" }],
    [{ authority: ":80" }],
  ])("%j is none", (given) => {
    expect(target(given)).toBeUndefined();
  });

  test("Host is the same origin, or there is no telling which one is meant", () => {
    for (const host of ["h.example", "H.Example", "h.example:80", "h.example:"]) {
      expect(target({}, [["host", host]])).toMatchObject({ authority: "h.example" });
    }
    for (const host of ["other.example", "h.example:81", "h.example.", "h.example/", "a@h.example", "a b"]) {
      expect(target({}, [["host", host]])).toBeUndefined();
    }
  });
});

describe("fields of requests", () => {
  const fields = (method: string, given: readonly Field[], ended: boolean) =>
    toHttp1Fields(requestOf({ method }, given, ended), "h.example", ended);

  test("Host is :authority, and the first", () => {
    expect(
      fields(
        "GET",
        [
          ["a", "b"],
          ["host", "H.example:80"],
          ["a", "c"],
        ],
        true,
      ),
    ).toEqual([
      ["host", "h.example"],
      ["a", "b"],
      ["a", "c"],
    ]);
  });

  test("RFC 9113 section 8.2.3: crumbs become one Cookie", () => {
    expect(
      fields(
        "GET",
        [
          ["cookie", "a=1"],
          ["x", "y"],
          ["cookie", "b=2; c"],
        ],
        true,
      ),
    ).toContainEqual(["cookie", "a=1; b=2; c"]);
  });

  test.each([
    ["GET", undefined, true, undefined],
    ["HEAD", undefined, true, undefined],
    ["POST", undefined, true, ["content-length", "0"]],
    ["PROPFIND", undefined, true, ["content-length", "0"]],
    ["GET", undefined, false, ["transfer-encoding", "chunked"]],
    ["POST", undefined, false, ["transfer-encoding", "chunked"]],
    ["POST", "0", true, ["content-length", "0"]],
    ["POST", "7", false, ["content-length", "7"]],
  ])("%s with content-length %j, ended %j", (method, length, ended, expected) => {
    const given: Field[] = length === undefined ? [] : [["content-length", length]];
    const framing = fields(method, given, ended).filter(([name]) => name !== "host");
    expect(framing).toEqual(expected === undefined ? [] : [expected as unknown as Field]);
  });
});

describe("answers", () => {
  test("names are lower case, what belongs to the connection is gone, Via says that we were on the way", () => {
    const answer = toHttp2Answer(200, [
      ["Content-Type", "text/plain"],
      ["Connection", "X-Hop"],
      ["X-Hop", "1"],
      ["Keep-Alive", "timeout=5"],
      ["Upgrade", "h2c"],
      ["Set-Cookie", "a"],
      ["Set-Cookie", "b"],
      ["Proxy-Status", "next"],
    ]);
    expect(answer).toEqual([
      [":status", "200"],
      ["content-type", "text/plain"],
      ["set-cookie", "a"],
      ["set-cookie", "b"],
      ["proxy-status", "next"],
      ["via", "1.1 portail"],
    ]);
  });

  test("a length is passed on where it is that of the content", () => {
    const lengths = (status: number, more: readonly Field[] = []) =>
      toHttp2Answer(status, [["Content-Length", "5"], ...more])!.filter(([name]) => name === "content-length");
    expect(lengths(200)).toHaveLength(1);
    expect(lengths(304)).toHaveLength(1);
    expect(lengths(204)).toEqual([]);
    expect(lengths(200, [["Transfer-Encoding", "chunked"]])).toEqual([]);
  });

  test("blanks around values are no part of them", () => {
    expect(toHttp2Answer(200, [["a", " \tb \t"]])).toContainEqual(["a", "b"]);
    expect(toHttp2Answer(200, [["a", "\u00e9\tb"]])).toContainEqual(["a", "\u00e9\tb"]);
  });

  test.each([
    [100, []],
    [101, []],
    [199, []],
    [600, []],
    [99, []],
    [200, [["a", "b\r\nc"]]],
    [200, [["a", "b\0"]]],
    [200, [["a", "\u010a"]]],
    [200, [["a b", "c"]]],
    [200, [["", "c"]]],
    [200, [[":status", "500"]]],
  ] as [number, Field[]][])("%d %j cannot be carried", (status, fields) => {
    expect(toHttp2Answer(status, fields)).toBeUndefined();
  });
});

test("trailers are fields that are no pseudo-fields, and that are known", () => {
  expect(areTrailers([])).toBe(true);
  expect(areTrailers([["a", "b"]])).toBe(true);
  expect(
    areTrailers([
      ["a", "b"],
      [":path", "/"],
    ]),
  ).toBe(false);
  expect(areTrailers(undefined)).toBe(false);
});

/** `http://` requests over HTTP/2 that would be two requests, or another one, in HTTP/1.1; and what of the others goes out. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { until } from "../harness.ts";
import { DATA, headers, type Fields } from "../raw-http2.ts";
import { ForwardStage, OK } from "./stage.ts";

setDefaultTimeout(60_000);

const stage = new ForwardStage();
beforeEach(() => stage.open());
afterEach(() => stage.close());

/** The fields of a request for `/`, one of them replaced. */
const but = (name: string, value: string): Fields =>
  stage.request("GET", "/").map(([known, old]): [string, string] => [known, known === name ? value : old]);
const and = (name: string, value: string): Fields => stage.request("POST", "/", [[name, value]]);

/** A status, or the code of RST_STREAM; the server is not asked. */
const REFUSED: [what: string, fields: () => Fields, outcome: string | number][] = [
  ["a line break in the path", () => but(":path", "/ HTTP/1.1\r\nX: y"), 1],
  ["a line feed in the path", () => but(":path", "/\nX: y"), 1],
  ["NUL in the path", () => but(":path", "/\0"), 1],
  ["a space in the path", () => but(":path", "/a HTTP/1.1"), "400"],
  ["a tabulator in the path", () => but(":path", "/a\tHTTP/1.1"), "400"],
  ["a path beyond ASCII", () => but(":path", "/\u00e9"), "400"],
  ["an authority beyond ASCII", () => but(":authority", "\u00e9.example"), "400"],
  ["a fragment", () => but(":path", "/#/../no"), "400"],
  ["no path", () => but(":path", ""), 1],
  ["a path that does not begin with a slash", () => but(":path", "no"), "400"],
  ["a query alone", () => but(":path", "?q"), "400"],
  ["a URL in place of a path", () => but(":path", "http://127.0.0.1/"), "400"],
  ["an asterisk that is not for OPTIONS", () => but(":path", "*"), "400"],
  ["a line break in the method", () => but(":method", "GET / HTTP/1.1\r\nX: y\r\n\r\nGET"), 1],
  ["a space in the method", () => but(":method", "GET /no HTTP/1.1"), "501"],
  ["a method in lower case", () => but(":method", "get"), "501"],
  ["a method that nobody knows", () => but(":method", "FETCH"), "501"],
  ["TRACE", () => but(":method", "TRACE"), "405"],
  ["https", () => but(":scheme", "https"), "400"],
  ["another scheme", () => but(":scheme", "ftp"), "400"],
  ["a line break in the authority", () => but(":authority", "127.0.0.1\r\nX: y"), 1],
  ["a path in the authority", () => but(":authority", `127.0.0.1:${stage.port}/no?`), "400"],
  ["a user in the authority", () => but(":authority", `127.0.0.1@127.0.0.1:${stage.port}`), "400"],
  ["a space in the authority", () => but(":authority", "127.0.0.1 x"), "400"],
  ["a port that is none", () => but(":authority", "127.0.0.1:65536"), "400"],
  ["no authority", () => but(":authority", ""), 1],
  ["a Host of another origin", () => and("host", "127.0.0.2"), "400"],
  ["a Host of another port", () => and("host", `127.0.0.1:${stage.port + 1}`), "400"],
  ["a Host that is none", () => and("host", "a b"), "400"],
  ["two paths", () => [...but("", ""), [":path", "/no"]], 1],
  [
    "a path behind fields",
    () => [
      [":method", "GET"],
      [":scheme", "http"],
      ["a", "b"],
      [":path", "/"],
    ],
    1,
  ],
  ["a length that is no number", () => and("content-length", "0x5"), 1],
  ["a negative length", () => and("content-length", "-5"), 1],
  ["a length with a sign", () => and("content-length", "+0"), 1],
  ["two lengths in one field", () => and("content-length", "0, 0"), 1],
  ["two lengths", () => [...and("content-length", "0"), ["content-length", "5"]], 1],
  ["a length beyond all numbers", () => and("content-length", "99999999999999999999"), 1],
  ["a length, and no content", () => and("content-length", "5"), 1],
  ["Transfer-Encoding", () => and("transfer-encoding", "chunked"), 1],
  ["Transfer-Encoding by a name with a blank", () => and("transfer-encoding ", "chunked"), 1],
  ["Upgrade", () => and("upgrade", "h2c"), 1],
  ["Connection", () => and("connection", "close"), 1],
  ["TE of more than trailers", () => and("te", "trailers, chunked"), 1],
  ["a name with a colon", () => and("a:b", "c"), 1],
  ["a name with a line break", () => and("a\r\nb", "c"), 1],
  ["a name in upper case", () => and("Content-Length", "5"), 1],
  ["an empty name", () => and("", "c"), 1],
  ["a line break in a value", () => and("a", "b\r\ncontent-length: 5"), 1],
  ["a line feed in a value", () => and("a", "b\ncontent-length: 5"), 1],
  ["NUL in a value", () => and("a", "b\0"), 1],
  ["a blank before a value", () => and("a", " b"), 1],
  ["a :protocol", () => [[":protocol", "websocket"], ...stage.request("GET", "/")], 1],
];

describe("no request goes out that would be another one in HTTP/1.1", () => {
  test.each(REFUSED)("%s", async (_, fields, expected) => {
    const { heads, ended } = await stage.play(headers(1, fields(), 5));
    if (typeof expected === "number") expect([heads, ended]).toEqual([[], expected]);
    else expect(heads[0] ?? `reset ${ended}`).toContain(expected);
    expect(stage.got).toEqual([]);
    expect(await stage.proxy.event("reject")).toMatchObject({ reason: "protocol" });
  });

  test("content that is a request is content", async () => {
    const text = "GET /no HTTP/1.1\r\nHost: x\r\n\r\n";
    stage.answer = (socket) =>
      void until(() => stage.got[0]!.includes("Host: x"), "the content").then(() => socket.end(OK));
    for (const [more, framing] of [
      [[], `transfer-encoding: chunked`],
      [[["content-length", String(text.length)]], `content-length: ${text.length}`],
    ] as [Fields, string][]) {
      stage.got = [];
      expect((await stage.play(stage.post(1, more), DATA(1, text, 1))).ended).toBe("end");
      const [head, rest] = stage.got[0]!.split(/\r\n\r\n([^]*)/);
      expect(head!.toLowerCase().split("\r\n")).toContain(framing);
      expect(rest).toContain(text);
    }
  });

  test.each([
    ["without content", "GET", [], 5],
    ["with content", "POST", [["content-length", "5"]], 4],
    ["with content of no known length", "POST", [], 4],
    ["that waits for 100", "POST", [["expect", "100-continue"]], 4],
  ] as [string, string, Fields, number][])(
    "what was decided is what is sent, bytes beyond ASCII in fields too, of a request %s",
    async (_, method, more, flags) => {
      await stage.play(headers(1, stage.request(method, '/%20\\"<>{}|^`', [["x-a", "\u00e9\tb"], ...more]), flags));
      const [line, ...fields] = stage.got[0]!.split("\r\n");
      expect(line).toBe(`${method} /%20\\"<>{}|^\` HTTP/1.1`);
      expect(fields).toContain("x-a: \u00e9\tb");
    },
  );

  test("fields of the connection and for the proxy go no further; Host, Cookie and Via are put together", async () => {
    await stage.play(
      headers(
        1,
        stage.request("GET", "/?a=1&b", [
          ["te", "trailers"],
          ["cookie", "a=1"],
          ["proxy-secret", "x"],
          ["cookie", "b=2"],
          ["keep", "me"],
          ["proxy-authorization", "Basic YTpi"],
        ]),
        5,
      ),
    );
    const [line, ...fields] = stage.got[0]!.trimEnd().split("\r\n");
    expect(line).toBe("GET /?a=1&b HTTP/1.1");
    expect(fields.sort()).toEqual([
      "Connection: close",
      `Host: 127.0.0.1:${stage.port}`,
      "Via: 2 portail",
      "cookie: a=1; b=2",
      "keep: me",
    ]);
  });

  test("a Host of the same origin is as good as none; OPTIONS may be about the server itself", async () => {
    await stage.play(headers(1, stage.request("OPTIONS", "*", [["host", `127.0.0.1:${stage.port}`]]), 5));
    expect(stage.got[0]).toStartWith(`OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1:${stage.port}\r\n`);
    expect(stage.got[0]!.match(/host:/gi)).toHaveLength(1);
  });
});

/** `http://` requests over HTTP/2 that would be two requests, are not what they say, or break off; and servers that do not keep to their protocol. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { startProxy, until, type RunningProxy } from "./harness.ts";
import type { RawClient } from "./raw-client.ts";
import {
  DATA,
  frame,
  frameOf,
  headers,
  literal,
  nextFrame,
  openHttp2,
  outcomeOf,
  reset,
  uint32,
  type Fields,
  type StreamOutcome,
} from "./raw-http2.ts";

setDefaultTimeout(60_000);

const ACL = `policy no { when path == "/no" action deny }
policy local { when dest.ip in [127.0.0.0/8] action allow }`;
let proxy: RunningProxy;
let origin: Server;
let port = 0;
/** What the origin was sent, by connection. */
let got: string[] = [];
let sockets: Socket[] = [];
/** What it does once the head of a request is whole. */
let answer: (socket: Socket, head: string) => void;

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

beforeEach(async () => {
  got = [];
  sockets = [];
  answer = (socket) => socket.end(OK);
  origin = createServer({ allowHalfOpen: true }, (socket) => {
    const index = got.push("") - 1;
    sockets.push(socket);
    socket.on("error", () => {}).on("end", () => socket.end());
    socket.on("data", (chunk: Buffer) => {
      const before = got[index]!.includes("\r\n\r\n");
      got[index] += chunk.toString("latin1");
      if (!before && got[index]!.includes("\r\n\r\n")) answer(socket, got[index]!);
    });
  });
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
  port = (origin.address() as { port: number }).port;
  proxy = await startProxy(ACL, ["--idle-timeout", "2s"]);
});

/** Whatever happened before: the next client is served, and nothing is left open. */
afterEach(async () => {
  answer = (socket) => socket.end(OK);
  const client = await open(get(1));
  const { heads, content, ended } = await outcomeOf(client, 1);
  expect([heads[0]!.slice(0, 3), content.toString(), ended]).toEqual(["200", "ok", "end"]);
  client.end();
  expect(await proxy.drain()).toBe(0);
  origin.close();
});

const open = (...frames: Buffer[]): Promise<RawClient> => openHttp2(proxy.port, ...frames);

const request = (method: string, path: string, more: Fields = []): Fields => [
  [":method", method],
  [":scheme", "http"],
  [":path", path],
  [":authority", `127.0.0.1:${port}`],
  ...more,
];
const get = (stream: number, path = "/") => headers(stream, request("GET", path), 5);
const post = (stream: number, more: Fields = []) => headers(stream, request("POST", "/", more), 4);

/** The outcome of stream 1 whose frames these are. */
async function play(...frames: Buffer[]): Promise<StreamOutcome> {
  const client = await open(...frames);
  const outcome = await outcomeOf(client, 1);
  client.end();
  return outcome;
}

/** Without `more`, the fields of a request for `/` with one of them replaced. */
const but = (name: string, value: string): Fields =>
  request("GET", "/").map(([known, old]): [string, string] => [known, known === name ? value : old]);
const and = (name: string, value: string): Fields => request("POST", "/", [[name, value]]);

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
  ["a path in the authority", () => but(":authority", `127.0.0.1:${port}/no?`), "400"],
  ["a user in the authority", () => but(":authority", `127.0.0.1@127.0.0.1:${port}`), "400"],
  ["a space in the authority", () => but(":authority", "127.0.0.1 x"), "400"],
  ["a port that is none", () => but(":authority", "127.0.0.1:65536"), "400"],
  ["no authority", () => but(":authority", ""), 1],
  ["a Host of another origin", () => and("host", "127.0.0.2"), "400"],
  ["a Host of another port", () => and("host", `127.0.0.1:${port + 1}`), "400"],
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
  ["a :protocol", () => [[":protocol", "websocket"], ...request("GET", "/")], 1],
];

describe("no request goes out that would be another one in HTTP/1.1", () => {
  test.each(REFUSED)("%s", async (_, fields, expected) => {
    const { heads, ended } = await play(headers(1, fields(), 5));
    if (typeof expected === "number") expect([heads, ended]).toEqual([[], expected]);
    else expect(heads[0] ?? `reset ${ended}`).toContain(expected);
    expect(got).toEqual([]);
    expect(await proxy.event("reject")).toMatchObject({ reason: "protocol" });
  });

  test("content that is a request is content", async () => {
    const text = "GET /no HTTP/1.1\r\nHost: x\r\n\r\n";
    answer = (socket) => void until(() => got[0]!.includes("Host: x"), "the content").then(() => socket.end(OK));
    for (const [more, framing] of [
      [[], `transfer-encoding: chunked`],
      [[["content-length", String(text.length)]], `content-length: ${text.length}`],
    ] as [Fields, string][]) {
      got = [];
      expect((await play(post(1, more), DATA(1, text, 1))).ended).toBe("end");
      const [head, rest] = got[0]!.split(/\r\n\r\n([^]*)/);
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
      await play(headers(1, request(method, '/%20\\"<>{}|^`', [["x-a", "\u00e9\tb"], ...more]), flags));
      const [line, ...fields] = got[0]!.split("\r\n");
      expect(line).toBe(`${method} /%20\\"<>{}|^\` HTTP/1.1`);
      expect(fields).toContain("x-a: \u00e9\tb");
    },
  );

  test("fields of the connection and for the proxy go no further; Host, Cookie and Via are put together", async () => {
    await play(
      headers(
        1,
        request("GET", "/?a=1&b", [
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
    const [line, ...fields] = got[0]!.trimEnd().split("\r\n");
    expect(line).toBe("GET /?a=1&b HTTP/1.1");
    expect(fields.sort()).toEqual([
      "Connection: close",
      `Host: 127.0.0.1:${port}`,
      "Via: 2 portail",
      "cookie: a=1; b=2",
      "keep: me",
    ]);
  });

  test("a Host of the same origin is as good as none; OPTIONS may be about the server itself", async () => {
    await play(headers(1, request("OPTIONS", "*", [["host", `127.0.0.1:${port}`]]), 5));
    expect(got[0]).toStartWith(`OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`);
    expect(got[0]!.match(/host:/gi)).toHaveLength(1);
  });
});

describe("content that is not what the head said", () => {
  test("more than the length: not a byte of the rest goes out", async () => {
    answer = () => {};
    const { ended } = await play(post(1, [["content-length", "5"]]), DATA(1, "12345"), DATA(1, "GET /no"));
    expect(ended).toBe(1);
    expect(got.join("")).not.toContain("GET /no");
    expect(await proxy.event("close")).toMatchObject({
      reason: "client",
      error: "more content than content-length says",
    });
  });

  test("less than the length: the server sees that it broke off", async () => {
    answer = () => {};
    const { ended } = await play(post(1, [["content-length", "50"]]), DATA(1, "12345", 1));
    expect(ended).toBe(1);
    expect(await proxy.event("close")).toMatchObject({
      reason: "client",
      error: "less content than content-length says",
    });
    await until(() => sockets.every((socket) => socket.destroyed || socket.readableEnded), "the end of the request");
  });

  test("content behind the end", async () => {
    answer = () => {};
    const { ended } = await play(post(1), DATA(1, "a", 1), DATA(1, "GET /no"));
    expect(ended).toBe(5);
    expect(got.join("")).not.toContain("GET /no");
  });

  test("trailers are taken and dropped", async () => {
    answer = (socket) => void until(() => got[0]!.endsWith("0\r\n\r\n"), "the end").then(() => socket.end(OK));
    const trailers = frame(1, 5, 1, literal("x-sum", "1"));
    expect((await play(post(1), DATA(1, "a"), trailers)).ended).toBe("end");
    expect(got[0]).not.toContain("x-sum");
  });

  test.each([
    ["that do not end the stream", () => frame(1, 4, 1, literal("a", "b"))],
    ["with pseudo-fields", () => frame(1, 5, 1, literal(":path", "/no"))],
  ])("trailers %s", async (_, trailers) => {
    answer = () => {};
    expect((await play(post(1), DATA(1, "a"), trailers())).ended).toBe(1);
  });

  test("trailers before the length is reached", async () => {
    answer = () => {};
    const trailers = frame(1, 5, 1, literal("a", "b"));
    expect((await play(post(1, [["content-length", "5"]]), DATA(1, "a"), trailers)).ended).toBe(1);
  });
});

describe("what breaks off", () => {
  test("the client resets while it sends: the server sees an end in the middle, other streams nothing", async () => {
    answer = (socket, head) => {
      if (head.startsWith("GET")) socket.end(OK);
    };
    const client = await open(post(1, [["content-length", "50"]]), DATA(1, "half"));
    await until(() => got[0]?.endsWith("half"), "the first half");
    client.write(Buffer.concat([frame(3, 0, 1, uint32(8)), get(3)]));
    expect(await outcomeOf(client, 3)).toMatchObject({ ended: "end" });
    await until(() => sockets[0]!.destroyed || sockets[0]!.readableEnded, "the end of the request");
    expect(await proxy.event("close", ({ session }) => session.endsWith("/1"))).toMatchObject({
      reason: "client",
      error: "the client reset the stream (cancel)",
    });
    client.end();
  });

  test("the client resets while it is answered: the server's connection is gone", async () => {
    answer = (socket) => socket.write("HTTP/1.1 200 OK\r\n\r\nbegun");
    const client = await open(get(1));
    await frameOf(client, 0);
    client.write(frame(3, 0, 1, uint32(8)));
    await until(() => sockets[0]!.destroyed || sockets[0]!.readableEnded, "the end");
    expect(await proxy.event("close")).toMatchObject({ reason: "client" });
    client.end();
  });

  test("the client goes away before the server answers", async () => {
    answer = () => {};
    const client = await open(get(1));
    await until(() => got.length === 1, "the request");
    client.reset();
    await until(() => sockets[0]!.destroyed || sockets[0]!.readableEnded, "the end");
    expect(await proxy.event("close")).toMatchObject({ reason: "client" });
  });

  const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  test.each([
    ["before its length", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf", "half"],
    ["within a chunk", `${CHUNKED}a\r\nhalf`, "half"],
    ["between chunks", `${CHUNKED}4\r\nhalf\r\n`, "half"],
    ["before the end of the last chunk", `${CHUNKED}4\r\nhalf\r\n0\r\n`, "half"],
    ["for a chunk that is none", `${CHUNKED}4\r\nhalf\r\nxyz\r\n`, "half"],
  ])("an answer that ends %s does not look whole", async (_, bytes, content) => {
    answer = (socket) => socket.end(bytes);
    const outcome = await play(get(1));
    expect(outcome.ended).toBe(2);
    expect(content).toStartWith(outcome.content.toString());
    expect(await proxy.event("close")).toMatchObject({ reason: "upstream" });
  });

  test("an answer whose connection is reset does not look whole, even where its end is its length", async () => {
    answer = (socket) =>
      socket.write("HTTP/1.1 200 OK\r\n\r\nhalf", () => setTimeout(() => socket.resetAndDestroy(), 50));
    expect((await play(get(1))).ended).toBe(2);
  });

  test("an answer that ends with its connection is whole", async () => {
    answer = (socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nall of it");
    const { content, ended } = await play(get(1));
    expect([content.toString(), ended]).toEqual(["all of it", "end"]);
    expect(await proxy.event("close")).toMatchObject({ reason: "done" });
  });
});

describe("servers that do not keep to their protocol", () => {
  test.each([
    ["bytes of no protocol", "\u0000\u0001\u0002\r\n\r\n"],
    ["nothing", ""],
    ["a head without end", "HTTP/1.1 200 OK\r\nX: y\r\n"],
    ["a head of 200,000 bytes", `HTTP/1.1 200 OK\r\nX: ${"y".repeat(200_000)}\r\n\r\n`],
    ["a status below 100", "HTTP/1.1 099 Low\r\nContent-Length: 2\r\n\r\nok"],
    ["a status above 599", "HTTP/1.1 999 High\r\nContent-Length: 2\r\n\r\nok"],
    ["another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nGET /no"],
    ["101 without a protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n"],
    ["a control character in a field", "HTTP/1.1 200 OK\r\nX: a\u0001b\r\nContent-Length: 2\r\n\r\nok"],
    ["a name that is none", "HTTP/1.1 200 OK\r\nX y: a\r\nContent-Length: 2\r\n\r\nok"],
    ["a coding that is not undone", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok"],
    ["a length and chunks", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!"],
    ["HTTP/2", "\0\0\0\u0004\0\0\0\0\0"],
  ])("%s is 502", async (_, bytes) => {
    answer = (socket) => socket.end(Buffer.from(bytes, "latin1"));
    const { heads, content, ended } = await play(get(1));
    expect([heads.length, ended]).toEqual([1, "end"]);
    expect(heads[0]).toContain("502");
    expect(content.toString()).toContain("502 Bad Gateway");
    expect(await proxy.event("close")).toMatchObject({ reason: "upstream" });
  });

  test("a second answer is nobody's", async () => {
    answer = (socket) => socket.end(OK + OK.replace("ok", "no"));
    const { heads, content } = await play(get(1));
    expect([heads.length, content.toString()]).toEqual([1, "ok"]);
  });

  test("interim answers without end are not passed on without end", async () => {
    answer = (socket) => socket.end("HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000) + OK);
    const { heads, content, ended } = await play(post(1), DATA(1, "x", 1));
    expect([heads.length, content.toString(), ended]).toEqual([2, "ok", "end"]);
    expect(heads[0]).toContain("100");
  });

  test("hints before the answer are left out", async () => {
    answer = (socket) => socket.end(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`);
    expect((await play(get(1))).heads).toEqual([expect.stringMatching(/^200/)]);
  });

  test("content where there is none: 204, 304 and HEAD end with their heads", async () => {
    for (const [status, method] of [
      ["204 No Content", "GET"],
      ["304 Not Modified", "GET"],
      ["200 OK", "HEAD"],
    ] as const) {
      answer = (socket) => socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\n`);
      const { heads, content, ended } = await play(headers(1, request(method, "/"), 5));
      expect([heads.length, heads[0]!.slice(0, 3), content.length, ended]).toEqual([1, status.slice(0, 3), 0, "end"]);
    }
  });

  test("a refusal of HEAD has no content", async () => {
    const { heads, content, ended } = await play(headers(1, request("HEAD", "/no"), 5));
    expect([heads[0]!.includes("403"), content.length, ended]).toEqual([true, 0, "end"]);
  });

  test("no answer: the idle limit ends it, and others are served meanwhile", async () => {
    answer = (socket, head) => {
      if (!head.startsWith("GET /silent")) socket.end(OK);
    };
    const client = await open(get(1, "/silent"), get(3));
    expect(await outcomeOf(client, 3)).toMatchObject({ ended: "end" });
    expect((await outcomeOf(client, 1)).heads[0]).toContain("502");
    expect(await proxy.event("close", ({ reason }) => reason === "idle")).toMatchObject({ reason: "idle" });
    client.end();
  });

  test("an answer before any content: the client need not send it", async () => {
    answer = (socket) => socket.end("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    const client = await open(post(1, [["content-length", "1000000"]]));
    const { heads, content, ended } = await outcomeOf(client, 1);
    expect([heads[0]!.includes("413"), content.toString(), ended]).toEqual([true, "no", "end"]);
    expect(await reset(client)).toBe(0);
    client.end();
  });
});

describe("whoever does not read", () => {
  const SIZE = 64 * 2 ** 20;

  test("a client: the server waits, other streams do not, and nothing is lost", async () => {
    const piece = Buffer.alloc(2 ** 16, "0123456789abcdef");
    let sent = 0;
    answer = (socket, head) => {
      if (!head.startsWith("GET /large")) return void socket.end(OK);
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`);
      const more = () => {
        while (sent < SIZE) {
          sent += piece.length;
          if (!socket.write(piece)) return void socket.once("drain", more);
        }
        socket.end();
      };
      more();
    };
    const client = await open(get(1, "/large"));
    await frameOf(client, 1);
    let before = -1;
    while (before !== sent) {
      before = sent;
      await Bun.sleep(300);
    }
    // What the kernel takes on two loopback connections, and little more.
    console.log("sent", sent);
    expect(sent).toBeLessThan(SIZE / 4);
    client.write(get(3));
    client.write(frame(8, 0, 0, uint32(2 ** 30)));
    expect(await outcomeOf(client, 3)).toMatchObject({ ended: "end" });
    client.write(frame(8, 0, 1, uint32(2 ** 30)));
    const { content, ended } = await outcomeOf(client, 1);
    // The first window was read over with stream 3.
    expect([content.length, ended]).toEqual([SIZE - 65_535, "end"]);
    client.end();
  });

  test("a server: the client gets no more windows, and other streams do", async () => {
    answer = (socket, head) => {
      if (head.startsWith("GET")) socket.end(OK);
      else socket.pause();
    };
    const client = await open(post(1));
    const piece = Buffer.alloc(16_384, "x");
    let window = 65_535;
    let connection = 65_535;
    let given = window;
    const credits = (async () => {
      for (let next = await nextFrame(client); next !== undefined; next = await nextFrame(client)) {
        const { payload, stream, type } = next;
        if (type === 4 && payload.length > 0) window += settingOf(payload, 4)! - 65_535;
        if (type === 8 && stream === 0) connection += payload.readUInt32BE(0);
        if (type === 8 && stream === 1) window += payload.readUInt32BE(0);
      }
    })();
    await until(() => connection > 65_535, "the first settings");
    for (let idle = 0; idle < 20;) {
      if (Math.min(window, connection) >= piece.length) {
        client.write(frame(0, 0, 1, piece));
        window -= piece.length;
        connection -= piece.length;
        given += piece.length;
        idle = 0;
        if (given > SIZE) break;
      } else {
        idle++;
        await Bun.sleep(50);
      }
    }
    console.log("given", given);
    expect(given).toBeLessThan(SIZE / 4);
    client.reset();
    await credits;
    expect(await proxy.event("close")).toMatchObject({ reason: "client" });
  });
});

function settingOf(payload: Buffer, wanted: number): number | undefined {
  for (let at = 0; at < payload.length; at += 6) {
    if (payload.readUInt16BE(at) === wanted) return payload.readUInt32BE(at + 2);
  }
  return undefined;
}

test("a drain: what is being answered goes on to its end, and takes the connection along", async () => {
  const own = await startProxy(ACL);
  answer = (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\nbefore");
    void drained.promise.then(() => socket.end(" and after"));
  };
  const drained = Promise.withResolvers<void>();
  const client = await openHttp2(own.port, get(1));
  expect((await frameOf(client, 0)).payload.toString()).toBe("before");
  const ended = own.drain();
  await frameOf(client, 7);
  drained.resolve();
  expect(await outcomeOf(client, 1)).toMatchObject({ content: Buffer.from(" and after"), ended: "end" });
  await client.rest();
  client.end();
  expect(await ended).toBe(0);
});

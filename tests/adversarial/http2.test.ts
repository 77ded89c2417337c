/** What no HTTP/2 client should send: frames in pieces, malformed, too many, too large, resets. The proxy says why and goes on. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { startProxy, until, type RunningProxy } from "./harness.ts";
import { createPrng } from "./prng.ts";
import { ask, RawClient } from "./raw-client.ts";
import { DATA, frame, frameOf, literal, openHttp2, PREFACE, reset, SETTINGS, uint32 } from "./raw-http2.ts";
import { listenEcho, type Upstream } from "./upstream.ts";

setDefaultTimeout(60_000);

const ACL = "policy local { when dest.ip in [127.0.0.0/8] action allow }";
let proxy: RunningProxy;
let echo: Upstream;

beforeEach(async () => {
  proxy = await startProxy(ACL, ["--handshake-timeout", "2s", "--max-streams", "20"]);
  echo = await listenEcho();
});

/** Whatever happened before: the next client is served, and nothing is left open. */
afterEach(async () => {
  const { client, open } = await ask("connect", proxy.port, "127.0.0.1", echo.port);
  expect(open).toBe(true);
  client.end();
  await client.closed;
  expect(await proxy.drain()).toBe(0);
  echo.server.close();
});

const connect = (stream: number, flags = 4, authority = `127.0.0.1:${echo.port}`) =>
  frame(1, flags, stream, Buffer.concat([literal(":method", "CONNECT"), literal(":authority", authority)]));
const open = (...frames: Buffer[]) => openHttp2(proxy.port, ...frames);

/** The error code of GOAWAY. */
async function goAway(client: RawClient): Promise<number> {
  const { payload } = await frameOf(client, 7);
  await client.rest();
  client.end();
  return payload.readUInt32BE(4);
}

test("weakness 6.1.9: a preface and a tunnel whose bytes come one by one", async () => {
  const client = await RawClient.open(proxy.port);
  const all = Buffer.concat([PREFACE, SETTINGS, connect(1), DATA(1, "bit by bit"), DATA(1, "", 1)]);
  for (const byte of all) {
    client.write(Uint8Array.of(byte));
    if (byte % 7 === 0) await Bun.sleep(1);
  }
  expect((await frameOf(client, 1)).payload.toString("hex")).toBe("88");
  let text = "";
  for (let last = false; !last;) {
    const { payload, flags } = await frameOf(client, 0);
    text += payload.toString();
    last = (flags & 1) !== 0;
  }
  expect(text).toBe("bit by bit");
  client.end();
});

test("padding, priorities, unknown frames and settings change nothing", async () => {
  const head = connect(1).subarray(9);
  const padded = frame(1, 4 | 8 | 32, 1, [3, ...uint32(0), 16, ...head, 0, 0, 0]);
  const client = await open(
    frame(0x42, 255, 0, [1, 2, 3]),
    frame(2, 0, 9, [0, 0, 0, 0, 1]),
    frame(4, 0, 0, [0x42, 0x42, 0, 0, 0, 1]),
    padded,
    frame(0, 8, 1, [4, ...Buffer.from("seen"), 0, 0, 0, 0]),
  );
  expect((await frameOf(client, 0)).payload.toString()).toBe("seen");
  client.end();
});

/** What is sent behind preface and settings, and the code of the GOAWAY that answers it (RFC 9113 section 7). */
const FATAL: [what: string, frames: () => Buffer[], code: number][] = [
  ["a frame of 16,385 bytes", () => [frame(0x42, 0, 0, Buffer.alloc(16_385))], 6],
  ["DATA on the connection", () => [DATA(0, "x")], 1],
  ["DATA of an idle stream", () => [DATA(1, "x")], 1],
  ["HEADERS on an even stream", () => [connect(2)], 1],
  ["HEADERS on an older stream", () => [connect(5), connect(3)], 5],
  ["CONTINUATION of nothing", () => [frame(9, 4, 1)], 1],
  ["a header block that is interrupted", () => [connect(1, 0), frame(6, 0, 0, Buffer.alloc(8))], 1],
  ["a header block of another stream", () => [connect(1, 0), frame(9, 4, 3)], 1],
  ["a header block that is no HPACK", () => [frame(1, 4, 1, [0x80])], 9],
  ["more padding than frame", () => [connect(1), frame(0, 8, 1, [200, 1])], 1],
  ["padding without its length", () => [connect(1), frame(0, 8, 1)], 6],
  ["HEADERS of padding alone", () => [frame(1, 4 | 8, 1, [9, 1])], 1],
  ["a promise", () => [frame(5, 4, 1, [0, 0, 0, 2])], 1],
  ["SETTINGS of five bytes", () => [frame(4, 0, 0, [1, 2, 3, 4, 5])], 6],
  ["SETTINGS on a stream", () => [frame(4, 0, 1)], 1],
  ["an acknowledgement with settings", () => [frame(4, 1, 0, [0, 1, 0, 0, 0, 0])], 6],
  ["a window beyond 2^31-1 by settings", () => [frame(4, 0, 0, [0, 4, 255, 255, 255, 255])], 3],
  ["a frame size out of range", () => [frame(4, 0, 0, [0, 5, 0, 0, 0, 1])], 1],
  ["PING of seven bytes", () => [frame(6, 0, 0, Buffer.alloc(7))], 6],
  ["RST_STREAM of an idle stream", () => [frame(3, 0, 7, uint32(8))], 1],
  ["WINDOW_UPDATE of nothing", () => [frame(8, 0, 0, uint32(0))], 1],
  ["a window of the connection that overflows", () => [frame(8, 0, 0, uint32(0x7fffffff))], 3],
  ["PING without end", () => Array.from({ length: 3000 }, () => frame(6, 0, 0, Buffer.alloc(8))), 11],
  ["SETTINGS without end", () => Array.from({ length: 3000 }, () => SETTINGS), 11],
  ["empty DATA without end", () => [connect(1), ...Array.from({ length: 3000 }, () => DATA(1, ""))], 11],
  ["CONTINUATION without end", () => [connect(1, 0), ...Array.from({ length: 3000 }, () => frame(9, 0, 1))], 11],
  [
    "a header block without end",
    () => [connect(1, 0), ...Array.from({ length: 9 }, () => frame(9, 0, 1, Buffer.alloc(16_000)))],
    11,
  ],
  [
    "streams that are reset as soon as they are open (CVE-2023-44487)",
    () =>
      Array.from({ length: 3000 }, (_, i) => Buffer.concat([connect(2 * i + 1), frame(3, 0, 2 * i + 1, uint32(8))])),
    11,
  ],
];

describe("mistakes that end the connection", () => {
  test.each(FATAL)("%s", async (_, frames, code) => {
    const client = await open(...frames());
    expect(await goAway(client)).toBe(code);
    expect((await proxy.event("reject", ({ message }) => message.startsWith("not HTTP/2"))).reason).toBe("protocol");
  });

  test("a first frame that is no SETTINGS", async () => {
    const client = await RawClient.open(proxy.port);
    client.write(Buffer.concat([PREFACE, frame(6, 0, 0, Buffer.alloc(8))]));
    expect(await goAway(client)).toBe(1);
  });
});

const fields = (...list: [string, string][]) =>
  frame(1, 4, 1, Buffer.concat(list.map(([name, value]) => literal(name, value))));

/** Each is an error of its stream (RFC 9113 section 8.1.1): another stream of the same connection is served. */
const MALFORMED: [what: string, head: () => Buffer][] = [
  ["no method", () => fields([":authority", "a:1"])],
  ["no authority", () => fields([":method", "CONNECT"])],
  ["CONNECT with a path", () => fields([":method", "CONNECT"], [":authority", "a:1"], [":path", "/"])],
  ["an upper-case name", () => fields([":method", "CONNECT"], [":authority", "a:1"], ["X-A", "b"])],
  ["a pseudo-field behind others", () => fields([":method", "CONNECT"], ["a", "b"], [":authority", "a:1"])],
  ["a method given twice", () => fields([":method", "CONNECT"], [":method", "CONNECT"], [":authority", "a:1"])],
  ["a pseudo-field of answers", () => fields([":method", "CONNECT"], [":authority", "a:1"], [":status", "200"])],
  ["a line break in a value", () => fields([":method", "CONNECT"], [":authority", "a:1"], ["a", "b\r\nc: d"])],
  ["Connection", () => fields([":method", "CONNECT"], [":authority", "a:1"], ["connection", "close"])],
  ["Transfer-Encoding", () => fields([":method", "CONNECT"], [":authority", "a:1"], ["transfer-encoding", "chunked"])],
  ["content of CONNECT", () => fields([":method", "CONNECT"], [":authority", "a:1"], ["content-length", "5"])],
];

describe("mistakes that end the stream alone", () => {
  test.each(MALFORMED)("%s", async (_, head) => {
    const client = await open(head(), connect(3), DATA(3, "whole"));
    expect(await reset(client)).toBe(1);
    expect(await frameOf(client, 0)).toMatchObject({ stream: 3 });
    client.end();
  });

  test("trailers of a tunnel", async () => {
    const client = await open(connect(1), frame(1, 5, 1, literal("a", "b")));
    expect(await reset(client)).toBe(1);
    client.end();
  });

  test("DATA behind the end", async () => {
    const client = await open(connect(1), DATA(1, "x", 1), DATA(1, "y"));
    expect(await reset(client)).toBe(5);
    client.end();
  });

  test("more than the window of the stream", async () => {
    const client = await open(connect(1, 4, `127.0.0.1:${echo.port}`));
    await frameOf(client, 1);
    echo.sockets[0]!.unpipe();
    echo.sockets[0]!.pause();
    const piece = Buffer.alloc(16_384);
    for (let i = 0; i < 2000 && !client.ended; i++) client.write(frame(0, 0, 1, piece));
    expect(await reset(client)).toBe(3);
    client.end();
  });

  test("a window of the stream that overflows", async () => {
    const client = await open(connect(1), frame(8, 0, 1, uint32(0x7fffffff)));
    expect(await reset(client)).toBe(3);
    client.end();
  });

  test("streams beyond the limit are refused, and safe to be asked for again", async () => {
    const client = await open(...Array.from({ length: 21 }, (_, i) => connect(2 * i + 1)));
    const refused = await frameOf(client, 3);
    expect([refused.stream, refused.payload.readUInt32BE(0)]).toEqual([41, 7]);
    client.end();
  });

  test("fields that are too large in all", async () => {
    // One entry of the table, many times: a small block that would be a large list.
    const entry = Buffer.concat([
      Buffer.of(0x40, 1),
      Buffer.from("a"),
      Buffer.of(0x7f, 0x81, 0x17),
      Buffer.alloc(3072, "b"),
    ]);
    const client = await open(frame(1, 4, 1, Buffer.concat([entry, Buffer.alloc(5000, 0xbe)])));
    const { payload } = await frameOf(client, 1);
    expect(payload.toString("latin1")).toContain("431");
    client.end();
  });
});

test("a stream is reset in mid-transfer: the target sees an abort, the other streams nothing", async () => {
  const client = await open(connect(1), DATA(1, "one"));
  await frameOf(client, 0);
  const [target] = echo.sockets;
  const gone = new Promise<string>((resolve) =>
    target!.on("error", () => resolve("error")).on("close", () => resolve("closed")),
  );
  client.write(Buffer.concat([frame(3, 0, 1, uint32(8)), connect(3), DATA(3, "two")]));
  expect((await frameOf(client, 0)).payload.toString()).toBe("two");
  await gone;
  client.end();
});

test("a target that resets: the stream ends with CONNECT_ERROR", async () => {
  const client = await open(connect(1), DATA(1, "one"));
  await frameOf(client, 0);
  echo.sockets[0]!.resetAndDestroy();
  expect(await reset(client)).toBe(10);
  client.end();
});

test("half-close both ways: the target ends first, and still reads", async () => {
  const client = await open(connect(1));
  await frameOf(client, 1);
  const [target] = echo.sockets;
  target!.unpipe();
  let read = "";
  target!.on("data", (chunk) => (read += String(chunk))).resume();
  target!.end("last words");
  let text = "";
  for (let last = false; !last;) {
    const { payload, flags } = await frameOf(client, 0);
    text += payload.toString();
    last = (flags & 1) !== 0;
  }
  expect(text).toBe("last words");
  client.write(Buffer.concat([DATA(1, "so long"), DATA(1, "", 1)]));
  await until(() => read === "so long" && target!.readableEnded, "the client's last words");
  expect(await proxy.event("close")).toMatchObject({ sent: 7, received: 10, reason: "upstream" });
  client.end();
});

test("a client whose window is shut gets no byte more, and holds up nobody", async () => {
  const client = await open(frame(4, 0, 0, [0, 4, ...uint32(5)]), connect(1), DATA(1, "0123456789"));
  expect((await frameOf(client, 0)).payload.toString()).toBe("01234");
  client.write(Buffer.concat([frame(8, 0, 1, uint32(2))]));
  expect((await frameOf(client, 0)).payload.toString()).toBe("56");
  client.write(frame(4, 0, 0, [0, 4, ...uint32(8)]));
  expect((await frameOf(client, 0)).payload.toString()).toBe("789");
  client.end();
});

test("weakness 6.2.9: a client that opens no stream, or none any more, is told to go", async () => {
  const silent = await open();
  expect(await goAway(silent)).toBe(0);
  expect(await proxy.event("reject")).toMatchObject({ reason: "timeout" });
  const done = await open(connect(1), DATA(1, "x", 1));
  await frameOf(done, 1);
  expect(await goAway(done)).toBe(0);
});

test("a drain: GOAWAY, open streams go on, no new one is taken, and the last one takes the connection along", async () => {
  const own = await startProxy(ACL);
  const client = await RawClient.open(own.port);
  client.write(Buffer.concat([PREFACE, SETTINGS, connect(1), DATA(1, "before")]));
  expect((await frameOf(client, 0)).payload.toString()).toBe("before");
  const drained = own.drain();
  const { payload } = await frameOf(client, 7);
  expect([payload.readUInt32BE(0), payload.readUInt32BE(4)]).toEqual([1, 0]);
  client.write(Buffer.concat([connect(3), DATA(3, "unheard"), DATA(1, " and after", 1)]));
  expect(await frameOf(client, 0)).toMatchObject({ stream: 1, payload: Buffer.from(" and after") });
  await client.rest();
  client.end();
  expect(await drained).toBe(0);
});

test("garbage behind the preface, a hundred times", async () => {
  const random = createPrng(7);
  for (let i = 0; i < 100; i++) {
    const client = await RawClient.open(proxy.port);
    const garbage = random.bytes(400);
    const frames =
      i % 2 === 0
        ? garbage
        : Buffer.concat([SETTINGS, connect(1), frame(random.below(10), random.below(256), random.below(4), garbage)]);
    client.write(Buffer.concat([PREFACE, frames]));
    client.end();
    await client.closed;
  }
});

/** What no proxy should answer over HTTP/2: a backend comes to a value each time, in bounded time, and works again with the next connection. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createServer } from "node:net";
import { Backend, BackendFailure } from "../../lib/net/backend.ts";
import { parseBackendUrl } from "../../lib/net/backend-url.ts";
import type { Conn } from "../../lib/net/conn.ts";
import { Dialer } from "../../lib/net/dial.ts";
import { KeepAlive } from "../../lib/net/keep-alive.ts";
import { Notes } from "../unit/lib/net/support.ts";
import { until } from "./harness.ts";
import { DATA, frame, frameOf, literal, PREFACE, SETTINGS, uint32 } from "./raw-http2.ts";
import { createPrng } from "./prng.ts";
import { RawClient } from "./raw-client.ts";

setDefaultTimeout(60_000);

const TARGET = { host: "web.example", port: 443 };
const OPEN = (stream: number, flags = 4) => frame(1, flags, stream, [0x88]);
const status = (stream: number, code: string, flags = 4) => frame(1, flags, stream, literal(":status", code));

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A backend whose proxy the test plays, connection by connection. */
async function stage({ timeout = 20_000, silence = 0, most = 32 } = {}) {
  const arrived: RawClient[] = [];
  let accepted = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted++;
    arrived.push(RawClient.of(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const url = parseBackendUrl(`h2c://127.0.0.1:${port}`, "[backend.x]");
  if (url.kind === "proxy") url.http2!.most = most;
  const keepAlive = new KeepAlive(silence);
  const resolve = () => Promise.reject(new Error("nothing is resolved"));
  const dialer = new Dialer(20_000, keepAlive);
  const tools = { dialer, checkDialer: dialer, resolve, keepAlive, timeout, env: {} };
  const backend = new Backend("x", url, { dynamic: false }, tools);
  const sockets: RawClient[] = [];
  ends.push(
    () => server.close(),
    () => backend.close(),
    () => sockets.forEach((client) => client.socket.destroy()),
  );
  const next = async () => {
    const client = await until(() => arrived.shift(), "a connection");
    sockets.push(client);
    return client;
  };
  return {
    backend,
    next,
    /** Those that came so far. */
    held: sockets,
    get accepted() {
      return accepted;
    },
    open: () => backend.open(TARGET, "http"),
    /** The next connection, greeted. */
    async greeted(settings: Buffer = SETTINGS) {
      const client = await next();
      client.write(settings);
      expect(await client.read(PREFACE.length)).toEqual(PREFACE);
      return client;
    },
  };
}

type Stage = Awaited<ReturnType<typeof stage>>;

const request = async (client: RawClient) => (await frameOf(client, 1)).stream;
const code = async (client: RawClient, type: number) =>
  (await frameOf(client, type)).payload.readUInt32BE(type === 7 ? 4 : 0);
const refusal = async (opened: Promise<Conn | BackendFailure>): Promise<string> => {
  const outcome = await opened;
  if (!(outcome instanceof BackendFailure)) throw new Error("a tunnel was opened");
  return `${outcome.refusal}: ${outcome.message}`;
};

/** Of the frames that the bytes are. */
function typesOf(bytes: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at < bytes.length; at += 9 + bytes.readUIntBE(at, 3)) types.push(bytes[at + 3]!);
  return types;
}

function noted(opened: Conn | BackendFailure): Conn & { notes: Notes } {
  if (opened instanceof BackendFailure) throw new Error(opened.message);
  const notes = new Notes();
  opened.attach(notes);
  return Object.assign(opened, { notes });
}

/** The next request is served, on whatever connection: the last `client`'s, or a new one. */
async function works(s: Stage, client?: RawClient, opened = s.open()): Promise<void> {
  const served = client ?? (await s.greeted());
  const stream = await request(served);
  served.write(Buffer.concat([OPEN(stream), DATA(stream, "as ever")]));
  const conn = noted(await opened);
  await until(() => conn.notes.text === "as ever", "what the proxy sent");
  conn.destroy();
  expect(await code(served, 3)).toBe(8);
}

test("a tunnel whose answer comes byte by byte, behind settings, padding, an interim answer and unknown frames", async () => {
  const s = await stage();
  const opened = s.open();
  const client = await s.next();
  const bytes = (...frames: Buffer[]) => Buffer.concat(frames);
  const send = async (all: Buffer) => {
    for (const byte of all) {
      client.write(Uint8Array.of(byte));
      if (byte % 7 === 0) await Bun.sleep(1);
    }
  };
  await send(bytes(frame(4, 0, 0, [0x42, 0x42, 0, 0, 0, 1]), frame(0x42, 255, 0, [1, 2])));
  await client.read(PREFACE.length);
  const stream = await request(client);
  const padded = frame(1, 4 | 8 | 32, stream, [2, ...uint32(0), 16, 0x88, 0, 0]);
  await send(bytes(status(stream, "103"), padded, frame(0, 8, stream, [3, ...Buffer.from("bits"), 0, 0, 0])));
  const conn = noted(await opened);
  await until(() => conn.notes.text === "bits", "the content");
});

/** What is sent in the place of an answer, and the code of the GOAWAY that it is answered with (RFC 9113 section 7). */
const FATAL: [what: string, frames: (stream: number) => Buffer[], code: number][] = [
  ["a frame of 16,385 bytes", () => [frame(0x42, 0, 0, Buffer.alloc(16_385))], 6],
  ["DATA on the connection", () => [DATA(0, "x")], 1],
  ["DATA of a stream that nobody opened", () => [DATA(7, "x")], 1],
  ["DATA of a stream of its own", () => [DATA(2, "x")], 1],
  ["an answer on a stream that nobody opened", () => [OPEN(7)], 1],
  ["an answer on a stream of its own", () => [OPEN(2)], 1],
  ["a promise", (stream) => [frame(5, 4, stream, [0, 0, 0, 2, 0x88])], 1],
  ["an answer that is no HPACK", (stream) => [frame(1, 4, stream, [0xff, 0xff, 0xff, 0xff, 0xff])], 9],
  ["an index that its table does not have", (stream) => [frame(1, 4, stream, [0xbe])], 9],
  ["a table larger than was allowed", (stream) => [frame(1, 4, stream, [0x3f, 0xe2, 0x1f, 0x88])], 9],
  ["CONTINUATION of nothing", (stream) => [frame(9, 4, stream)], 1],
  ["an answer that is interrupted", (stream) => [frame(1, 0, stream, [0x88]), frame(6, 0, 0, Buffer.alloc(8))], 1],
  ["more padding than frame", (stream) => [OPEN(stream), frame(0, 8, stream, [200, 1])], 1],
  ["SETTINGS of five bytes", () => [frame(4, 0, 0, [1, 2, 3, 4, 5])], 6],
  ["SETTINGS that would have us take promises", () => [frame(4, 0, 0, [0, 2, 0, 0, 0, 1])], 1],
  ["a window beyond 2^31-1 by settings", () => [frame(4, 0, 0, [0, 4, 255, 255, 255, 255])], 3],
  ["PING of seven bytes", () => [frame(6, 0, 0, Buffer.alloc(7))], 6],
  ["GOAWAY of seven bytes", () => [frame(7, 0, 0, Buffer.alloc(7))], 6],
  ["RST_STREAM of a stream that nobody opened", () => [frame(3, 0, 7, uint32(8))], 1],
  ["WINDOW_UPDATE of nothing", () => [frame(8, 0, 0, uint32(0))], 1],
  ["a window of the connection that overflows", () => [frame(8, 0, 0, uint32(0x7fffffff))], 3],
  ["PING without end", () => many(() => frame(6, 0, 0, Buffer.alloc(8))), 11],
  ["SETTINGS without end", () => many(() => SETTINGS), 11],
  ["PRIORITY without end", () => many(() => frame(2, 0, 9, Buffer.alloc(5))), 11],
  ["interim answers without end", (stream) => many(() => status(stream, "103")), 11],
  ["CONTINUATION without end", (stream) => [frame(1, 0, stream), ...many(() => frame(9, 0, stream))], 11],
  [
    "an answer without end",
    (stream) => [frame(1, 0, stream), ...many(() => frame(9, 0, stream, Buffer.alloc(9000)))],
    11,
  ],
];

function many(make: () => Buffer): Buffer[] {
  return Array.from({ length: 3000 }, make);
}

describe("mistakes that end the connection", () => {
  test.each(FATAL)("%s", async (_, frames, expected) => {
    const s = await stage();
    const opened = s.open();
    const client = await s.greeted();
    client.write(Buffer.concat(frames(await request(client))));
    expect(await code(client, 7)).toBe(expected);
    // Where the answer came first the tunnel was open for a moment.
    const outcome = await opened;
    if (outcome instanceof BackendFailure) expect(outcome.message).toMatch(/broke the protocol: /);
    else {
      const conn = noted(outcome);
      await until(() => conn.closed, "the end of the tunnel");
      expect(conn.notes.error?.message).toMatch(/broke the protocol: /);
    }
    await works(s);
    expect(s.accepted).toBe(2);
  });

  test.each([
    ["HTTP/1.1", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"), /does not speak HTTP\/2/],
    ["SOCKS5", Buffer.of(5, 255), /closed the connection/],
    ["PING in the place of SETTINGS", frame(6, 0, 0, Buffer.alloc(8)), /does not speak HTTP\/2: the first frame/],
    ["nothing", Buffer.alloc(0), /closed the connection/],
    ["a lone acknowledgement", frame(4, 1, 0), /does not speak HTTP\/2: the first frame/],
  ])("a proxy that says %s", async (_, says, message) => {
    const s = await stage();
    const opened = s.open();
    const client = await s.next();
    client.write(says);
    client.end();
    expect(await refusal(opened)).toMatch(message);
    await client.rest();
    await works(s);
  });

  test("garbage, a hundred times", async () => {
    const random = createPrng(9);
    for (let i = 0; i < 100; i++) {
      const s = await stage();
      const opened = s.open();
      const client = await (i % 2 === 0 ? s.next() : s.greeted());
      const garbage = random.bytes(400);
      if (i % 2 === 1) await request(client);
      client.write(i % 2 === 0 ? garbage : frame(random.below(10), random.below(256), random.below(4), garbage));
      client.end();
      const outcome = await opened;
      if (!(outcome instanceof BackendFailure)) await until(() => outcome.closed, "the end");
      else expect(outcome.message).not.toBe("");
    }
  });
});

const answer =
  (...list: [string, string][]) =>
  (stream: number) =>
    frame(1, 4, stream, Buffer.concat(list.map(([name, value]) => literal(name, value))));

/** Each is an error of its stream (RFC 9113 section 8.1.1). */
const MALFORMED: [what: string, head: (stream: number) => Buffer][] = [
  ["no status", answer(["a", "b"])],
  ["nothing at all", answer()],
  ["two statuses", answer([":status", "200"], [":status", "200"])],
  ["a status behind another field", answer(["a", "b"], [":status", "200"])],
  ["a status of four digits", answer([":status", "2000"])],
  ["a status with a blank", answer([":status", "200 "])],
  ["a status below 100", answer([":status", "099"])],
  ["a pseudo-field of requests", answer([":status", "200"], [":path", "/"])],
  ["an upper-case name", answer([":status", "200"], ["X-A", "b"])],
  ["a line break in a value", answer([":status", "200"], ["a", "b\r\nc: d"])],
  ["Connection", answer([":status", "200"], ["connection", "close"])],
  ["101", answer([":status", "101"])],
  ["an interim answer as the last one", (stream) => status(stream, "103", 5)],
  ["content ahead of its head", (stream) => DATA(stream, "early")],
];

describe("mistakes that end the stream alone", () => {
  test.each(MALFORMED)("%s", async (_, head) => {
    const s = await stage();
    const first = s.open();
    const client = await s.greeted();
    client.write(OPEN(await request(client)));
    const other = noted(await first);
    const opened = s.open();
    const stream = await request(client);
    client.write(head(stream));
    expect(await frameOf(client, 3)).toMatchObject({ stream, payload: Buffer.from(uint32(1)) });
    expect(await refusal(opened)).toMatch(/^failed: /);
    await works(s, client);
    expect([other.closed, s.accepted]).toEqual([false, 1]);
  });

  test("fields that are too large in all", async () => {
    const s = await stage();
    const opened = s.open();
    const client = await s.greeted();
    const stream = await request(client);
    const entry = Buffer.concat([
      Buffer.of(0x40, 1),
      Buffer.from("a"),
      Buffer.of(0x7f, 0x81, 0x17),
      Buffer.alloc(3072, "b"),
    ]);
    client.write(frame(1, 4, stream, Buffer.concat([Buffer.of(0x88), entry, Buffer.alloc(5000, 0xbe)])));
    expect(await refusal(opened)).toMatch(/too large/);
    expect(await code(client, 3)).toBe(1);
    await works(s, client);
  });

  test.each([
    ["trailers", (stream: number) => [frame(1, 5, stream, literal("a", "b"))], 1],
    ["a second answer", (stream: number) => [OPEN(stream)], 1],
    ["DATA behind the end", (stream: number) => [DATA(stream, "x", 1), DATA(stream, "y")], 5],
    ["a window that overflows", (stream: number) => [frame(8, 0, stream, uint32(0x7fffffff))], 3],
  ])("%s in a tunnel", async (_, frames, expected) => {
    const s = await stage();
    const opened = s.open();
    const client = await s.greeted();
    const stream = await request(client);
    client.write(OPEN(stream));
    const conn = noted(await opened);
    client.write(Buffer.concat(frames(stream)));
    expect(await code(client, 3)).toBe(expected);
    await until(() => conn.closed, "the end of the tunnel");
    await works(s, client);
  });

  test("more than the window of the stream, which nobody reads", async () => {
    const s = await stage();
    const opened = s.open();
    const client = await s.greeted();
    const stream = await request(client);
    client.write(OPEN(stream));
    const conn = noted(await opened);
    conn.pause();
    const piece = Buffer.alloc(16_384);
    for (let sent = 0; sent <= 256 * 1024; sent += piece.length) client.write(frame(0, 0, stream, piece));
    expect(await code(client, 3)).toBe(3);
    await works(s, client);
  });
});

test.each([
  ["NO_ERROR behind the end: all that was said is read, and that is an orderly end", 0, true],
  ["another reset behind the end is an abort", 2, false],
])("%s", async (_, said, orderly) => {
  const s = await stage();
  const opened = s.open();
  const client = await s.greeted();
  const stream = await request(client);
  client.write(OPEN(stream));
  const conn = noted(await opened);
  conn.pause();
  client.write(Buffer.concat([DATA(stream, "to the "), DATA(stream, "last", 1), frame(3, 0, stream, uint32(said))]));
  await works(s, client);
  expect(conn.closed).toBe(!orderly);
  conn.write(Buffer.from("in vain"));
  conn.resume();
  await until(() => conn.closed, "the end of the tunnel");
  expect(conn.notes.events).toEqual(orderly ? ["data", "end", "close"] : ["close"]);
  expect([conn.notes.text, conn.notes.error === undefined]).toEqual([orderly ? "to the last" : "", orderly]);
});

describe("answers that are none", () => {
  test.each([
    ["407", /^failed: .*wants credentials/, false],
    ["403", /^denied: .*403/, true],
    ["405", /^denied: .*405/, true],
    ["502", /^failed: .*502/, false],
    ["504", /^connect_timeout: .*504/, false],
    ["301", /^failed: .*301/, false],
  ])("%s, with content that nobody wants", async (said, message, final) => {
    const s = await stage();
    const opened = s.open();
    const client = await s.greeted();
    const stream = await request(client);
    client.write(Buffer.concat([status(stream, said), DATA(stream, "why"), DATA(stream, "", 1)]));
    expect(await refusal(opened)).toMatch(message);
    expect(((await opened) as BackendFailure).final).toBe(final);
    expect(await code(client, 3)).toBe(8);
    await works(s, client);
  });

  test.each([
    ["CONNECT_ERROR", 10, /did not connect \(CONNECT_ERROR|did not connect \(CONNECT/],
    ["INTERNAL_ERROR", 2, /reset the request \(INTERNAL/],
    ["HTTP_1_1_REQUIRED", 13, /wants HTTP\/1.1/],
    ["a code that nobody knows", 0xbeef, /code 48879/],
  ])("RST_STREAM with %s", async (_, said, message) => {
    const s = await stage();
    const opened = s.open();
    const client = await s.greeted();
    client.write(frame(3, 0, await request(client), uint32(said)));
    expect(await refusal(opened)).toMatch(message);
    await works(s, client);
  });

  test("REFUSED_STREAM is asked for again, once, on another connection", async () => {
    const s = await stage();
    const opened = s.open();
    for (let i = 0; i < 2; i++) {
      const client = await s.greeted();
      client.write(frame(3, 0, await request(client), uint32(7)));
    }
    expect(await refusal(opened)).toMatch(/^limit: .*busy/);
    expect(s.accepted).toBe(2);
    const again = s.open();
    const [client] = s.held as [RawClient];
    client.write(frame(3, 0, await request(client), uint32(7)));
    await works(s, s.held[1], again);
    expect(s.accepted).toBe(2);
  });

  test("GOAWAY: what it leaves out is asked for elsewhere, what it leaves in goes on, and the last one takes the connection along", async () => {
    const s = await stage();
    const old = s.open();
    const first = await s.greeted();
    const kept = await request(first);
    first.write(OPEN(kept));
    const tunnel = noted(await old);
    const left = s.open();
    await request(first);
    first.write(frame(7, 0, 0, [...uint32(kept), ...uint32(0)]));
    const second = await s.greeted();
    second.write(OPEN(await request(second)));
    noted(await left);
    first.write(DATA(kept, "going on"));
    await until(() => tunnel.notes.text === "going on", "the old tunnel");
    await works(s, second);
    expect([s.accepted, tunnel.closed]).toEqual([2, false]);
    tunnel.end();
    first.write(DATA(kept, "", 1));
    await first.rest();
    first.end();
    await until(() => s.backend.http2.connections === 1, "the end of the first connection");
  });

  test("a proxy that goes away at each greeting is not asked without end", async () => {
    const s = await stage();
    const opened = s.open();
    for (let i = 0; i < 2; i++) {
      const client = await s.next();
      client.write(Buffer.concat([SETTINGS, frame(7, 0, 0, [...uint32(0), ...uint32(0)])]));
      await client.rest();
    }
    expect(await refusal(opened)).toMatch(/^limit: .*busy/);
    expect(s.accepted).toBe(2);
  });

  test("a proxy that takes no streams is busy, and that is no fault of the circuit", async () => {
    const s = await stage();
    for (let i = 1; i <= 4; i++) {
      const opened = s.open();
      for (let n = 0; n < 2; n++) await s.greeted(frame(4, 0, 0, [0, 3, 0, 0, 0, 0]));
      expect(await refusal(opened)).toMatch(/^limit: .*busy/);
      expect(s.accepted).toBe(2 * i);
    }
    expect(s.backend.isOpenCircuit).toBe(false);
  });

  test("no more connections than allowed", async () => {
    const s = await stage({ most: 3 });
    const opened = Array.from({ length: 10 }, () => s.open());
    const one = frame(4, 0, 0, [0, 3, 0, 0, 0, 1]);
    for (let n = 0; n < 3; n++) {
      const client = await s.greeted(one);
      client.write(OPEN(await request(client)));
    }
    const outcomes = await Promise.all(opened);
    expect(outcomes.filter((one) => one instanceof BackendFailure && one.refusal === "limit")).toHaveLength(7);
    expect([s.accepted, s.backend.http2]).toEqual([3, expect.objectContaining({ connections: 3, tunnels: 3 })]);
  });

  test("a connection that dies under a request is replaced once, if others had used it", async () => {
    const s = await stage();
    const opened = s.open();
    const first = await s.greeted();
    first.write(OPEN(await request(first)));
    const held = noted(await opened);
    const again = s.open();
    await request(first);
    first.reset();
    const second = await s.greeted();
    second.write(OPEN(await request(second)));
    noted(await again);
    await until(() => held.closed, "the tunnel of the dead connection");
    expect(held.notes.error).toBeDefined();
  });

  test("one that dies under the request that it was made for is a failure", async () => {
    const s = await stage();
    const opened = s.open();
    const client = await s.greeted();
    await request(client);
    client.reset();
    expect(await refusal(opened)).toMatch(/^failed: /);
    expect(s.accepted).toBe(1);
    await works(s);
  });
});

describe("silence", () => {
  test("a proxy that never greets", async () => {
    const s = await stage({ timeout: 200 });
    const opened = s.open();
    const client = await s.next();
    expect(await refusal(opened)).toMatch(/no SETTINGS in time/);
    await client.rest();
  });

  test("a request without an answer: it is given up, and the connection gets no other before it shows that it lives", async () => {
    const s = await stage({ timeout: 200 });
    const opened = s.open();
    const first = await s.greeted();
    const stream = await request(first);
    expect(await refusal(opened)).toMatch(/no answer in time/);
    expect(await frameOf(first, 3)).toMatchObject({ stream, payload: Buffer.from(uint32(8)) });
    const ping = await frameOf(first, 6);
    const other = s.open();
    const second = await s.greeted();
    second.write(OPEN(await request(second)));
    noted(await other).destroy();
    // The first one is never heard of again, and closed.
    expect(ping.flags).toBe(0);
    expect(typesOf(await first.rest())).not.toContain(1);
    expect(s.accepted).toBe(2);
  });

  test("one that answers the PING is used again", async () => {
    const s = await stage({ timeout: 2000 });
    const opened = s.open();
    const client = await s.greeted();
    await request(client);
    expect(await refusal(opened)).toMatch(/no answer in time/);
    const { payload } = await frameOf(client, 6);
    client.write(frame(6, 1, 0, payload));
    await Bun.sleep(50);
    await works(s, client);
    expect(s.accepted).toBe(1);
  });

  test("a peer that is gone without a word does not hold tunnels for ever", async () => {
    const s = await stage({ timeout: 300, silence: 1 });
    const opened = s.open();
    const client = await s.greeted();
    client.write(OPEN(await request(client)));
    const conn = noted(await opened);
    const { payload, flags } = await frameOf(client, 6);
    expect(flags).toBe(0);
    // It answers once, and then no more.
    client.write(frame(6, 1, 0, payload));
    await frameOf(client, 6);
    await until(() => conn.closed, "the end of the tunnel");
    expect(conn.notes.error?.message).toMatch(/no answer to a PING/);
    await works(s);
  });
});

describe("checks", () => {
  test("each has a connection of its own, which ends with it", async () => {
    const s = await stage();
    const opened = s.open();
    const client = await s.greeted();
    client.write(OPEN(await request(client)));
    const conn = noted(await opened);
    for (const [said, finding] of [
      ["200", "works"],
      ["403", { trouble: expect.stringContaining("403") }],
      ["502", { trouble: expect.stringContaining("502") }],
    ] as const) {
      const found = s.backend.probe(TARGET);
      const checked = await s.greeted();
      checked.write(status(await request(checked), said));
      expect(await found).toEqual(finding);
      expect(typesOf(await checked.rest())).toContain(7);
    }
    expect([conn.closed, s.backend.http2]).toEqual([false, expect.objectContaining({ connections: 1, tunnels: 1 })]);
    await works(s, client);
  });

  test("one that cannot be greeted is in trouble", async () => {
    const s = await stage();
    const found = s.backend.probe(TARGET);
    const client = await s.next();
    client.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    expect(await found).toEqual({ trouble: expect.stringContaining("does not speak HTTP/2") });
  });
});

test("the last connection is closed with the backend, and takes its tunnels along", async () => {
  const s = await stage();
  const opened = s.open();
  const client = await s.greeted();
  client.write(OPEN(await request(client)));
  const conn = noted(await opened);
  s.backend.close();
  await until(() => conn.closed, "the end of the tunnel");
  expect(await code(client, 7)).toBe(0);
  await client.rest();
});

/** What no proxy should answer over HTTP/2: each mistake ends the connection, in bounded time, and the backend works again with the next one. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { BackendFailure } from "../../../lib/net/backend.ts";
import { until } from "../harness.ts";
import { DATA, frame, PREFACE, SETTINGS, uint32 } from "../raw-http2.ts";
import { createPrng } from "../prng.ts";
import { closeStages, code, noted, OPEN, refusal, request, stage, status, works } from "./stage.ts";

setDefaultTimeout(60_000);

afterEach(closeStages);

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
    const { opened, client, stream } = await s.ask();
    client.write(Buffer.concat(frames(stream)));
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

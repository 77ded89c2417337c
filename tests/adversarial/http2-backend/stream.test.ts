/** Answers over HTTP/2 that are malformed, or break the rules of a tunnel: each ends its stream, and the connection goes on. */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { until } from "../harness.ts";
import { DATA, frame, frameOf, literal, uint32 } from "../raw-http2.ts";
import { closeStages, code, OPEN, refusal, stage, status, works } from "./stage.ts";

setDefaultTimeout(60_000);

afterEach(closeStages);

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
    const { client, conn: other } = await s.tunnel();
    const { opened, stream } = await s.ask(client);
    client.write(head(stream));
    expect(await frameOf(client, 3)).toMatchObject({ stream, payload: Buffer.from(uint32(1)) });
    expect(await refusal(opened)).toMatch(/^failed: /);
    await works(s, client);
    expect([other.closed, s.accepted]).toEqual([false, 1]);
  });

  test("fields that are too large in all", async () => {
    const s = await stage();
    const { opened, client, stream } = await s.ask();
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
    const { client, stream, conn } = await s.tunnel();
    client.write(Buffer.concat(frames(stream)));
    expect(await code(client, 3)).toBe(expected);
    await until(() => conn.closed, "the end of the tunnel");
    await works(s, client);
  });

  test("more than the window of the stream, which nobody reads", async () => {
    const s = await stage();
    const { client, stream, conn } = await s.tunnel();
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
  const { client, stream, conn } = await s.tunnel();
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

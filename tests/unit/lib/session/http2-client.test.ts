/** The client's side of HTTP/2: what it sends, when it may open streams, and what it is told, in any split. Frames are written by hand. */
import { describe, expect, test } from "bun:test";
import { Http2Client } from "../../../../lib/session/http2-client.ts";
import type { Http2Stream } from "../../../../lib/session/http2-stream.ts";
import type { HeaderField } from "../../../../lib/wire/hpack.ts";
import { DATA, frame, PREFACE, SETTINGS, uint32 } from "../../../adversarial/raw-http2.ts";

const REQUEST: HeaderField[] = [
  [":method", "CONNECT"],
  [":authority", "a:1"],
];
const setting = (number: number, value: number) => frame(4, 0, 0, [0, number, ...uint32(value)]);
const OPEN = (stream: number, flags = 4) => frame(1, flags, stream, [0x88]);

/** A session that has begun, and what it said and was told since. */
function begin(...given: Buffer[]) {
  const log: string[] = [];
  const sent: Buffer[] = [];
  const session: Http2Client = new Http2Client(
    { streams: 5, head: 1000 },
    {
      send: (bytes) => void sent.push(Buffer.from(bytes)),
      head(stream, fields, ended) {
        log.push(`head ${stream.id} ${JSON.stringify(fields)}${ended ? " ended" : ""}`);
        stream.opened = true;
      },
      window: () => void log.push("window"),
      failed: (reason) => void log.push(`failed: ${reason}`),
      settled: () => void log.push("settled"),
      goneAway: () => void log.push("gone away"),
      pong: () => void log.push("pong"),
    },
  );
  session.start();
  const said = (): Buffer => Buffer.concat(sent.splice(0));
  const start = said();
  const receive = (...frames: Buffer[]) => {
    // The session keeps what it gets.
    session.receive(Buffer.from(Buffer.concat(frames)), 0);
    return log.splice(0);
  };
  const request = (): Http2Stream => {
    const stream = session.request(REQUEST);
    stream.events = {
      onData: (chunk) => void log.push(`data ${stream.id} ${Buffer.from(chunk).toString()}`),
      onEnd: () => void log.push(`end ${stream.id}`),
      onWindow: () => void log.push(`window ${stream.id}`),
      onReset: (code) => void log.push(`reset ${stream.id} ${code}`),
    };
    return stream;
  };
  if (given.length > 0) receive(...given);
  said();
  return { session, start, said, receive, request };
}

test("it begins with the preface, no promises, and its windows", () => {
  const { start } = begin();
  expect(start.subarray(0, PREFACE.length)).toEqual(PREFACE);
  const settings = frame(4, 0, 0, [0, 2, ...uint32(0), 0, 4, ...uint32(256 * 1024), 0, 6, ...uint32(1000)]);
  const window = frame(8, 0, 0, uint32(16 * 1024 * 1024 - 65_535));
  expect(start.subarray(PREFACE.length)).toEqual(Buffer.concat([settings, window]));
});

test("a request, as RFC 7541 has it", () => {
  const { request, said } = begin(SETTINGS);
  request();
  // :method is entry 2 of the static table, :authority entry 1 (appendix A).
  const block = Buffer.concat([Buffer.of(0x02, 7), Buffer.from("CONNECT"), Buffer.of(0x01, 3), Buffer.from("a:1")]);
  expect(said()).toEqual(frame(1, 4, 1, block));
  request();
  expect(said()).toEqual(frame(1, 4, 3, block));
});

describe("vacancies", () => {
  test("none before the peer's settings, then as many as both allow", () => {
    const { session, receive, request } = begin();
    expect(session.vacancies).toBe(0);
    expect(receive(SETTINGS)).toEqual(["settled"]);
    expect(session.vacancies).toBe(5);
    receive(setting(3, 2));
    const first = request();
    request();
    expect(session.vacancies).toBe(0);
    session.reset(first, 8);
    expect(session.vacancies).toBe(1);
    receive(setting(3, 0));
    expect(session.vacancies).toBe(0);
    receive(setting(3, 1000));
    expect(session.vacancies).toBe(4);
  });

  test("none once either side goes away, or broke the protocol", () => {
    const byPeer = begin(SETTINGS);
    expect(byPeer.receive(frame(7, 0, 0, [...uint32(0), ...uint32(0)]))).toEqual(["gone away"]);
    const byUs = begin(SETTINGS);
    byUs.session.goAway();
    const broken = begin(SETTINGS);
    broken.receive(DATA(0, "x"));
    for (const { session } of [byPeer, byUs, broken]) expect([session.vacancies, session.isLeaving]).toEqual([0, true]);
  });
});

test("GOAWAY resets what it leaves out, and nothing else", () => {
  const { receive, request, session } = begin(SETTINGS);
  for (let i = 0; i < 3; i++) request();
  expect(receive(frame(7, 0, 0, [...uint32(3), ...uint32(0)]))).toEqual(["reset 5 7", "gone away"]);
  expect(receive(OPEN(3), DATA(3, "on"), OPEN(5))).toEqual(['head 3 [[":status","200"]]', "data 3 on"]);
  expect(session.open).toBe(2);
});

test("both directions end, each on its own", () => {
  const { receive, request, session, said } = begin(SETTINGS);
  const first = request();
  receive(OPEN(1));
  said();
  session.end(first);
  expect(said()).toEqual(frame(0, 1, 1));
  expect(receive(DATA(1, "still", 1))).toEqual(["data 1 still", "end 1"]);
  expect([first.closed, session.open]).toEqual([true, 0]);
  const second = request();
  expect(receive(OPEN(3, 5))).toEqual(['head 3 [[":status","200"]] ended']);
  expect(second.closed).toBe(false);
  session.end(second);
  expect(second.closed).toBe(true);
});

test("what it may send is what the peer's windows let it", () => {
  const { receive, request, session } = begin(SETTINGS, setting(4, 10));
  const stream = request();
  expect(session.room(stream)).toBe(10);
  session.putData(new Uint8Array(100), 0, stream, new Uint8Array(10), 0, 10);
  expect(session.room(stream)).toBe(0);
  expect(receive(frame(8, 0, 1, uint32(3)))).toEqual(["window 1"]);
  expect(session.room(stream)).toBe(3);
  expect(receive(setting(4, 12))).toEqual(["window 1", "settled"]);
  expect(session.room(stream)).toBe(5);
});

test("PING is asked and answered", () => {
  const { receive, said, session } = begin(SETTINGS);
  session.ping();
  expect(said()).toEqual(frame(6, 0, 0, Buffer.alloc(8)));
  expect(receive(frame(6, 1, 0, Buffer.alloc(8)))).toEqual(["pong"]);
  receive(frame(6, 0, 0, Buffer.from("whatever")));
  expect(said()).toEqual(frame(6, 1, 0, Buffer.from("whatever")));
});

test("what comes of a stream behind our reset is no mistake", () => {
  const { receive, request, session, said } = begin(SETTINGS);
  session.reset(request(), 8);
  said();
  expect(receive(OPEN(1), DATA(1, "late"), frame(3, 0, 1, uint32(8)))).toEqual([]);
  expect(said()).toEqual(Buffer.alloc(0));
});

test("resets of streams that were open are borne however many", () => {
  const { receive, request, session } = begin(SETTINGS);
  for (let i = 0; i < 5000; i++) {
    const { id } = request();
    expect(receive(frame(3, 0, id, uint32(10)))).toEqual([`reset ${id} 10`]);
  }
  expect(session.vacancies).toBe(5);
});

test("the same, in every split", () => {
  const whole = [SETTINGS, setting(3, 4), OPEN(1), DATA(1, "one"), OPEN(3), DATA(3, "two", 1), DATA(1, "", 1)];
  const bytes = Buffer.concat(whole);
  const play = (...parts: Buffer[]) => {
    const { receive, request } = begin();
    request();
    request();
    const events = parts.flatMap((part) => receive(part));
    // Content comes in pieces, which a reader puts together.
    const texts = new Map<string, string>();
    for (const event of events) {
      const [, stream, text] = /^data (\d) (.*)$/.exec(event) ?? [];
      if (stream !== undefined) texts.set(stream, (texts.get(stream) ?? "") + text);
    }
    return [events.filter((event) => !event.startsWith("data")).join("|"), Object.fromEntries(texts)];
  };
  const expected = play(bytes);
  expect(expected).toEqual([
    'settled|settled|head 1 [[":status","200"]]|head 3 [[":status","200"]]|end 3|end 1',
    { 1: "one", 3: "two" },
  ]);
  for (let at = 1; at < bytes.length; at++) expect(play(bytes.subarray(0, at), bytes.subarray(at))).toEqual(expected);
  expect(play(...Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(expected);
});

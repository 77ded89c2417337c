/** What is diverted from a stream: so many bytes, whatever pieces they come in, and what is behind them for whoever comes next. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Diversion } from "../../../../lib/net/diversion.ts";
import { ConnDuplex } from "../../../../lib/net/duplex.ts";
import { FakeConn } from "./fake-conn.ts";
import { connect, KINDS } from "./support.ts";

setDefaultTimeout(30_000);

const NEVER = (): never => {
  throw new Error("not yet");
};

function divert(length: number, whole: () => void = () => {}) {
  const conn = new FakeConn();
  const stream = new ConnDuplex(conn);
  stream.hold();
  return { conn, stream, diversion: stream.divert(length, whole) };
}

const text = async (diversion: Diversion) => {
  const piece = await diversion.next();
  return piece && Buffer.from(piece).toString();
};

describe("what is diverted", () => {
  test.each([
    ["in one chunk", ["abcdef"]],
    ["byte by byte", [..."abcdef"]],
    ["with more in the chunk of its end", ["abc", "defghi"]],
  ])("comes %s, and then no more", async (_, chunks) => {
    const { conn, diversion } = divert(6);
    let got = "";
    for (const chunk of chunks) {
      conn.data(chunk);
      got += await text(diversion);
    }
    expect(got).toBe("abcdef");
    expect(await text(diversion)).toBeUndefined();
  });

  test("is not read by the stream, nor what is behind it", async () => {
    const { conn, stream, diversion } = divert(3);
    stream.on("data", NEVER);
    conn.data("abcde");
    conn.data("fg");
    expect(await text(diversion)).toBe("abc");
    await Bun.sleep(1);
    expect({ ...diversion.behind, bytes: Buffer.from(diversion.behind.bytes).toString() }).toEqual({
      bytes: "defg",
      ended: false,
    });
  });

  test("pauses the connection until more is asked for", async () => {
    const { conn, diversion } = divert(6);
    conn.calls.length = 0;
    conn.data("abc");
    expect(conn.calls).toEqual(["pause"]);
    expect(await text(diversion)).toBe("abc");
    const next = text(diversion);
    expect(conn.calls).toEqual(["pause", "resume"]);
    conn.data("def");
    expect(await next).toBe("def");
  });

  test("is told to be whole with its last byte, once", () => {
    let told = 0;
    const { conn, stream, diversion } = divert(3, () => told++);
    stream.whenWhole = () => (told += 10);
    conn.data("ab");
    expect([told, diversion.isWhole]).toEqual([0, false]);
    conn.data("c");
    conn.data("d");
    expect([told, diversion.isWhole]).toEqual([11, true]);
  });

  test("is read past the events where the connection can", async () => {
    const { conn, diversion } = divert(6);
    let [ready, given] = ["abcdefgh", 0];
    Object.assign(conn, {
      readInto(bytes: Uint8Array) {
        const length = Math.min(bytes.length, 4, ready.length);
        bytes.set(Buffer.from(ready.slice(0, length)));
        ready = ready.slice(length);
        given += length;
        return length;
      },
    });
    expect(await text(diversion)).toBe("abcd");
    expect(await text(diversion)).toBe("ef");
    expect(await text(diversion)).toBeUndefined();
    // What is behind it is not for it.
    expect(given).toBe(6);
  });

  test("takes little of what is behind it", () => {
    const { conn } = divert(1);
    conn.calls.length = 0;
    conn.data("a".repeat(1000));
    expect(conn.calls).not.toContain("pause");
    conn.data("b".repeat(70_000));
    expect(conn.calls).toContain("pause");
  });
});

describe("a connection that", () => {
  test("ends within it breaks it off, and ends the stream", async () => {
    const { conn, stream, diversion } = divert(6);
    let ended = false;
    stream.on("end", () => (ended = true)).resume();
    conn.data("abc");
    expect(await text(diversion)).toBe("abc");
    conn.events!.end();
    await expect(text(diversion)).rejects.toThrow("ended within the content");
    await Bun.sleep(1);
    expect(ended).toBe(true);
  });

  test("is reset within it breaks it off, and the stream", async () => {
    const { conn, stream, diversion } = divert(6);
    stream.on("error", () => {});
    const next = text(diversion);
    conn.close(new Error("reset"));
    await expect(next).rejects.toThrow("reset");
    expect(stream.destroyed).toBe(true);
  });

  test("ends behind it has ended for whoever comes next", async () => {
    const { conn, stream, diversion } = divert(3);
    stream.on("end", NEVER).resume();
    conn.data("abc");
    conn.events!.end();
    expect(await text(diversion)).toBe("abc");
    await Bun.sleep(1);
    expect(diversion.behind.ended).toBe(true);
  });

  test("is gone behind it takes the stream along", async () => {
    const { conn, stream } = divert(3);
    conn.data("abc");
    conn.close();
    expect(stream.destroyed).toBe(true);
  });
});

test("a stream that is held reads nothing, whoever asks", async () => {
  const conn = new FakeConn();
  const stream = new ConnDuplex(conn);
  stream.hold();
  conn.calls.length = 0;
  stream.resume();
  stream.relax();
  await Bun.sleep(1);
  expect(conn.calls).toEqual([]);
});

describe.each(KINDS)("over a real connection: %s", (kind) => {
  test("bulk, and what is behind it for the stream that comes next", async () => {
    const { conn, peer } = await connect(kind);
    const before = new ConnDuplex(conn);
    before.hold();
    // Of a length that no buffer divides.
    const bytes = Buffer.alloc(4 * 1024 * 1024 + 7, "0123456789abc");
    const diversion = before.divert(bytes.length, () => {});
    peer.end(Buffer.concat([bytes, Buffer.from("behind")]));
    const pieces: Buffer[] = [];
    for (let piece = await diversion.next(); piece !== undefined; piece = await diversion.next()) {
      pieces.push(Buffer.from(piece));
    }
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
    before.detach();
    const next = new ConnDuplex(conn, diversion.behind);
    let text = "";
    for await (const chunk of next) text += String(chunk);
    expect(text).toBe("behind");
    expect(conn.received).toBe(bytes.length + 6);
  });
});

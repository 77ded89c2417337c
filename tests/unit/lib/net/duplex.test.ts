/** A `Conn` as a Node stream: what is read, what is written, and how either ends. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { ConnDuplex } from "../../../../lib/net/duplex.ts";
import { FakeConn } from "./fake-conn.ts";
import { connect, KINDS, readAll, until } from "./support.ts";

setDefaultTimeout(30_000);

const gather = async (stream: ConnDuplex): Promise<string> => {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
};

describe("reading", () => {
  test("first what was read already, then what comes, then the end", async () => {
    const conn = new FakeConn();
    const stream = new ConnDuplex(conn, { bytes: Buffer.from("first "), ended: false });
    conn.data("second");
    conn.events!.end();
    expect(await gather(stream)).toBe("first second");
  });

  test("an end that was read already", async () => {
    expect(await gather(new ConnDuplex(new FakeConn(), { bytes: Buffer.from("all"), ended: true }))).toBe("all");
  });

  test("a reader that is slow pauses the connection, one that reads on resumes it", async () => {
    const conn = new FakeConn();
    const stream = new ConnDuplex(conn);
    conn.data("x".repeat(1024 * 1024));
    expect(conn.calls).toContain("pause");
    conn.calls.length = 0;
    stream.resume();
    await until(() => conn.calls.includes("resume"));
  });

  test("what came before an orderly close is read, even by one who comes late", async () => {
    const conn = new FakeConn();
    const stream = new ConnDuplex(conn);
    conn.data("all of it");
    conn.events!.end();
    conn.close();
    expect(await gather(stream)).toBe("all of it");
  });

  test("an abort is an error of the stream", async () => {
    const conn = new FakeConn();
    const stream = new ConnDuplex(conn);
    conn.close(new Error("reset"));
    expect(gather(stream)).rejects.toThrow("reset");
  });
});

describe("writing", () => {
  test("waits for the drain where the connection asks for it", async () => {
    const conn = new FakeConn();
    conn.takes = false;
    const stream = new ConnDuplex(conn);
    let done = 0;
    stream.write("one", () => void done++);
    stream.write("two", () => void done++);
    await Bun.sleep(10);
    expect([conn.written, done]).toEqual([["one"], 0]);
    conn.takes = true;
    conn.events!.drain();
    await until(() => done === 2);
    expect(conn.written).toEqual(["one", "two"]);
  });

  test("an end is passed on behind all of it, reading goes on", async () => {
    const conn = new FakeConn();
    const stream = new ConnDuplex(conn);
    stream.end("last words");
    await until(() => conn.calls.includes("end"));
    expect(conn.written).toEqual(["last words"]);
    conn.data("answer");
    conn.events!.end();
    expect(await gather(stream)).toBe("answer");
  });

  test("a writer that waits is let go when the connection closes", async () => {
    const conn = new FakeConn();
    conn.takes = false;
    const stream = new ConnDuplex(conn);
    stream.on("error", () => {});
    const written = new Promise((resolve) => stream.write("x", resolve));
    conn.close();
    await written;
  });

  test("destroying the stream aborts the connection", () => {
    const conn = new FakeConn();
    new ConnDuplex(conn).destroy();
    expect(conn.calls).toContain("destroy");
  });
});

test("a detached connection is left alone", async () => {
  const conn = new FakeConn();
  const stream = new ConnDuplex(conn);
  expect(stream.detach()).toBe(conn);
  conn.calls.length = 0;
  stream.end("x");
  stream.destroy();
  await Bun.sleep(5);
  expect([conn.calls, conn.written]).toEqual([[], []]);
});

describe.each(KINDS)("over a real connection: %s", (kind) => {
  test("bulk both ways", async () => {
    const { conn, peer } = await connect(kind);
    const stream = new ConnDuplex(conn);
    const bytes = Buffer.alloc(4 * 1024 * 1024, "0123456789");
    const got = readAll(peer);
    stream.end(bytes);
    peer.end(bytes);
    expect((await got).equals(bytes)).toBe(true);
    expect(await gather(stream)).toBe(bytes.toString());
  });
});

/** Both implementations of `Conn`, held to one contract: native-conn.ts and node-conn.ts. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { formatAddress } from "../../../../lib/net/conn.ts";
import { connect, KINDS, Notes, readAll, until } from "./support.ts";

setDefaultTimeout(30_000);

const MIB = 1024 * 1024;

describe.each(KINDS)("%s", (kind) => {
  test("knows both addresses, and still does after the close", async () => {
    const { conn, peer } = await connect(kind);
    const expected = [`127.0.0.1:${peer.localPort}`, `127.0.0.1:${peer.remotePort}`];
    expect([formatAddress(conn.remote), formatAddress(conn.local)]).toEqual(expected);
    const notes = new Notes();
    conn.attach(notes);
    conn.destroy();
    await until(() => notes.closes > 0);
    expect([formatAddress(conn.remote), formatAddress(conn.local)]).toEqual(expected);
    expect(conn.tls?.version).toBe(kind.startsWith("tls") || kind === "openssl" ? "TLSv1.3" : undefined);
  });

  test("what came before the first receiver is kept for it, the end included", async () => {
    const { conn, peer } = await connect(kind);
    peer.write("first ");
    await Bun.sleep(20);
    peer.end("second");
    await Bun.sleep(20);
    const notes = new Notes();
    conn.attach(notes);
    await until(() => notes.ended, "the end");
    expect(notes.text).toBe("first second");
    expect(notes.events).toEqual(["data", "end"]);
    expect(conn.received).toBe(12);
    conn.destroy();
  });

  test("a receiver takes over from another, and only it is told", async () => {
    const { conn, peer } = await connect(kind);
    const [first, second] = [new Notes(), new Notes()];
    conn.attach(first);
    peer.write("one");
    await until(() => first.bytes === 3);
    conn.attach(second);
    peer.write("two");
    await until(() => second.bytes === 3);
    conn.destroy();
    await until(() => second.closes === 1);
    expect([first.text, second.text]).toEqual(["one", "two"]);
    expect(first.closes).toBe(0);
  });

  test("a receiver that comes after the close is told at once, with the error", async () => {
    const { conn, peer } = await connect(kind);
    conn.attach(new Notes());
    peer.resetAndDestroy();
    await until(() => conn.closed);
    const late = new Notes();
    conn.attach(late);
    expect(late.events).toEqual(["close"]);
    expect(late.error).toBeInstanceOf(Error);
  });

  test.each(["write", "pumpTo"] as const)("a reset that a write finds first is no end (%s)", async (way) => {
    const { conn, peer } = await connect(kind);
    const notes = new Notes();
    conn.attach(notes);
    peer.write("last words");
    await until(() => notes.bytes === 10);
    const source = await connect("native");
    source.conn.attach(new Notes());
    source.conn.pause();
    source.peer.write(Buffer.alloc(MIB));
    await Bun.sleep(20);
    peer.resetAndDestroy();
    // No turn of the event loop in between: the reset is there, and nobody has seen it.
    if (way === "write") conn.write(Buffer.from("x"));
    else source.conn.pumpTo?.(conn, new Uint8Array(0));
    await until(() => notes.closes === 1, "the close");
    expect(notes.events).toEqual(["data", "close"]);
    expect(notes.error).toMatchObject({ code: "ECONNRESET" });
    expect(conn.buffered).toBe(0);
    source.conn.destroy();
  });

  test("the memory of what was passed on is given back once all of it was taken, not before", async () => {
    const { conn, peer } = await connect(kind);
    conn.attach(new Notes());
    const source = await connect("native");
    source.conn.attach(new Notes());
    let arrived = 0;
    peer.on("data", (bytes: Buffer) => void (arrived += bytes.length));
    const taken = new Uint8Array(64 * 1024);
    const part = new Uint8Array(2 * taken.length).subarray(taken.length);
    for (const bytes of [taken, part]) {
      expect(conn.write(bytes)).toBe(true);
      source.conn.pumpTo?.(conn, bytes);
    }
    // Those two may keep what they are given.
    expect(taken.length).toBe(kind === "node" || kind === "openssl" ? 64 * 1024 : 0);
    expect(part.length).toBe(64 * 1024);
    await until(() => arrived === 128 * 1024, "all that was written");
    peer.pause();
    const stuck = new Uint8Array(64 * MIB).fill(7);
    expect(conn.write(stuck)).toBe(false);
    source.conn.pumpTo?.(conn, stuck);
    expect(stuck.length).toBe(64 * MIB);
    for (const one of [conn, source.conn]) one.destroy();
  });

  test("a reset while bytes wait to be sent is no end", async () => {
    const { conn, peer } = await connect(kind);
    const notes = new Notes();
    conn.attach(notes);
    peer.pause();
    while (conn.write(Buffer.alloc(MIB)));
    peer.resetAndDestroy();
    await until(() => notes.closes === 1, "the close");
    expect(notes.events).toEqual(["close"]);
    expect(notes.error).toBeInstanceOf(Error);
  });

  test("the peer's end leaves our direction open; both ends close it in order", async () => {
    const { conn, peer } = await connect(kind);
    const notes = new Notes();
    conn.attach(notes);
    peer.end("bye");
    await until(() => notes.ended);
    const got = readAll(peer);
    conn.write(Buffer.from("still "));
    conn.write(Buffer.from("here"));
    conn.end();
    expect((await got).toString()).toBe("still here");
    await until(() => notes.closes === 1, "the close");
    expect(notes.events).toEqual(["data", "end", "close"]);
    expect(notes.error).toBeUndefined();
    expect(conn.closed).toBe(true);
    expect([conn.sent, conn.received]).toEqual([10, 3]);
  });

  test("our end leaves the peer's direction open", async () => {
    const { conn, peer } = await connect(kind);
    const notes = new Notes();
    conn.attach(notes);
    const got = readAll(peer);
    conn.write(Buffer.from("that was all"));
    conn.end();
    expect((await got).toString()).toBe("that was all");
    peer.end("not yet");
    await until(() => notes.closes === 1, "the close");
    expect(notes.text).toBe("not yet");
    expect(notes.events).toEqual(["data", "end", "close"]);
    expect(notes.error).toBeUndefined();
  });

  test("a slow peer is told by write, the rest is kept, and drain says when it is out", async () => {
    const { conn, peer } = await connect(kind);
    const notes = new Notes();
    conn.attach(notes);
    peer.pause();
    let written = 0;
    while (conn.write(Buffer.alloc(MIB, written / MIB))) written += MIB;
    written += MIB;
    expect(conn.buffered).toBeGreaterThan(0);
    expect(conn.sent).toBe(written);
    expect(notes.drained).toBe(0);
    const chunks: Buffer[] = [];
    peer.on("data", (chunk: Buffer) => void chunks.push(chunk));
    peer.resume();
    await until(() => notes.drained > 0, "the drain");
    await until(() => chunks.reduce((sum, { length }) => sum + length, 0) === written, "all bytes");
    const all = Buffer.concat(chunks);
    for (let at = 0; at < written; at += MIB) expect(all[at]).toBe((at / MIB) & 255);
    expect(conn.buffered).toBe(0);
    conn.destroy();
  });

  test("an end waits for what is buffered", async () => {
    const { conn, peer } = await connect(kind);
    conn.attach(new Notes());
    peer.pause();
    let written = 0;
    while (conn.write(Buffer.alloc(MIB))) written += MIB;
    conn.write(Buffer.from("last"));
    written += MIB + 4;
    conn.end();
    const got = await readAll(peer.resume());
    expect(got.length).toBe(written);
    expect(got.subarray(-4).toString()).toBe("last");
    conn.destroy();
  });

  test("nothing is written behind the end or after the close", async () => {
    const { conn, peer } = await connect(kind);
    const notes = new Notes();
    conn.attach(notes);
    const got = readAll(peer);
    conn.write(Buffer.from("a"));
    conn.end();
    expect(conn.write(Buffer.from("b"))).toBe(true);
    expect(conn.sent).toBe(1);
    expect((await got).toString()).toBe("a");
    conn.destroy();
    await until(() => conn.closed);
    expect(conn.write(Buffer.from("c"))).toBe(true);
    conn.end();
    conn.pause();
    conn.resume();
    conn.destroy();
    expect(conn.sent).toBe(1);
    await Bun.sleep(10);
    expect(notes.closes).toBe(1);
  });

  test("a pause holds what comes, a resume lets it come", async () => {
    const { conn, peer } = await connect(kind);
    const notes = new Notes();
    conn.attach(notes);
    conn.pause();
    peer.write("x");
    await Bun.sleep(50);
    expect(notes.bytes).toBe(0);
    conn.resume();
    await until(() => notes.bytes === 1);
    conn.destroy();
  });

  test("both directions have ended while it is paused: what came is still there", async () => {
    const { conn, peer } = await connect(kind);
    const notes = new Notes();
    conn.attach(notes);
    conn.pause();
    // Fits into the buffers of the system, so that the end arrives behind it.
    const length = 100_000;
    peer.end(Buffer.alloc(length));
    const ended = readAll(peer);
    conn.end();
    await ended;
    await Bun.sleep(50);
    expect([notes.bytes, notes.events]).toEqual([0, []]);
    conn.resume();
    await until(() => notes.closes === 1, "the close");
    expect(notes.bytes).toBe(length);
    expect(notes.events).toEqual(["data", "end", "close"]);
    expect(notes.error).toBeUndefined();
  });

  test("a paused connection bounds what its peer can send", async () => {
    const { conn, peer } = await connect(kind);
    conn.attach(new Notes());
    conn.pause();
    let drained = 0;
    peer.on("drain", () => void drained++);
    for (let i = 0; i < 64; i++) peer.write(Buffer.alloc(MIB));
    await Bun.sleep(100);
    expect(drained).toBe(0);
    conn.destroy();
    peer.destroy();
  });

  test("destroy aborts: the peer sees no orderly end", async () => {
    const { conn, peer } = await connect(kind);
    const notes = new Notes();
    conn.attach(notes);
    const failed = new Promise<Error>((resolve) => peer.on("error", resolve));
    conn.destroy();
    expect(await failed).toMatchObject({ code: "ECONNRESET" });
    await until(() => notes.closes === 1);
  });

  test("a reset by the peer closes with the error, once", async () => {
    const { conn, peer } = await connect(kind);
    const notes = new Notes();
    conn.attach(notes);
    peer.resetAndDestroy();
    await until(() => notes.closes > 0);
    conn.destroy();
    await Bun.sleep(10);
    expect(notes.closes).toBe(1);
    expect(notes.error).toMatchObject({ code: "ECONNRESET" });
  });

  test("chunks may be kept: they are never written again", async () => {
    const { conn, peer } = await connect(kind);
    const kept: Uint8Array[] = [];
    const notes = new Notes();
    conn.attach({ ...othersTo(notes), data: (chunk) => void kept.push(chunk) });
    for (let i = 0; i < 20; i++) {
      peer.write(Buffer.alloc(1000, 0x61 + i));
      await Bun.sleep(1);
    }
    await until(() => kept.reduce((sum, { length }) => sum + length, 0) === 20_000);
    const all = Buffer.concat(kept);
    for (let i = 0; i < 20; i++) expect(all[i * 1000]).toBe(0x61 + i);
    conn.destroy();
  });
});

function othersTo(notes: Notes) {
  return { drain: () => notes.drain(), end: () => notes.end(), close: (error?: Error) => notes.close(error) };
}

test("addresses as text", () => {
  expect(formatAddress({ ip: "192.0.2.1", port: 1 })).toBe("192.0.2.1:1");
  expect(formatAddress({ ip: "::1", port: 1 })).toBe("[::1]:1");
  expect(formatAddress({ path: "/run/x" })).toBe("unix:/run/x");
  expect(formatAddress({ path: "" })).toBe("unix:");
});

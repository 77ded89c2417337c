/** What a socket of the runtime can do that real ones do once in a thousand times: a reset that a write meets first. */
import { describe, expect, test } from "bun:test";
import { KeepAlive } from "../../../../lib/net/keep-alive.ts";
import { NativeConn } from "../../../../lib/net/native-conn.ts";
import { Notes } from "./support.ts";

/** A socket that takes what `room` says in turn, -1 for a connection that is lost, and is closed when it is told to be. */
function connOver(...room: number[]) {
  const written: Uint8Array[] = [];
  const write = (bytes: Uint8Array) => {
    written.push(bytes.slice());
    return room.shift() ?? -1;
  };
  const socket = { write, terminate: () => conn.onClose(undefined), shutdown() {}, end() {} };
  const conn: NativeConn = new NativeConn(socket as never, new KeepAlive(0));
  const notes = new Notes();
  conn.attach(notes);
  /** The runtime tells such a socket's end as an orderly one. */
  const tellEnd = () => {
    conn.onEnd();
    conn.onClose(undefined);
  };
  return { conn, notes, written, tellEnd };
}

const bytes = new Uint8Array(10);

describe("a write that finds the connection reset is no orderly end", () => {
  test("the first of all", () => {
    const { conn, notes, tellEnd } = connOver(-1);
    conn.write(bytes);
    tellEnd();
    expect(notes.ended).toBe(false);
    expect(notes.error).toMatchObject({ code: "ECONNRESET" });
  });

  test("one of what waited", () => {
    const { conn, notes, tellEnd } = connOver(4, -1);
    expect(conn.write(bytes)).toBe(false);
    conn.onDrain();
    tellEnd();
    expect(notes.ended).toBe(false);
    expect(notes.error).toMatchObject({ code: "ECONNRESET" });
  });

  test("the peer had ended before: that stays, and the error comes with the close", () => {
    const { conn, notes } = connOver(-1);
    conn.onEnd();
    conn.write(bytes);
    conn.onClose(undefined);
    expect(notes.ended).toBe(true);
    expect(notes.error).toMatchObject({ code: "ECONNRESET" });
  });
});

test("an orderly end is one, and what was waiting before it went out", () => {
  const { conn, notes, tellEnd } = connOver(4, 6);
  expect(conn.write(bytes)).toBe(false);
  conn.onDrain();
  expect(conn.buffered).toBe(0);
  tellEnd();
  expect(notes.ended).toBe(true);
  expect(notes.error).toBeUndefined();
});

/** Bytes that go to the system at a time. */
const PIECE = 48 * 1024;

test("a large chunk goes out in pieces of less than a packet of loopback, and what is not taken waits in order", () => {
  const room = [PIECE, 1000, PIECE, 5];
  const { conn, notes, written } = connOver(...room);
  const chunk = Uint8Array.from({ length: 2 * PIECE + 1005 }, (_, at) => at / 1000);
  expect(conn.write(chunk)).toBe(false);
  expect(conn.buffered).toBe(PIECE + 5);
  conn.onDrain();
  expect(notes.drained).toBe(1);
  expect(written.map(({ length }) => length)).toEqual([PIECE, PIECE, PIECE, 5]);
  expect(Buffer.concat(written.map((piece, at) => piece.subarray(0, room[at]))).equals(chunk)).toBe(true);
});

test("a connection that is lost in the middle of a large chunk is lost", () => {
  const { conn, notes, tellEnd } = connOver(PIECE, -1);
  conn.write(new Uint8Array(2 * PIECE));
  expect(conn.buffered).toBe(0);
  tellEnd();
  expect(notes.ended).toBe(false);
  expect(notes.error).toMatchObject({ code: "ECONNRESET" });
});

test("a layer gets a large chunk whole: its records are for it to make", () => {
  const written: number[] = [];
  const write = ({ length }: Uint8Array) => {
    written.push(length);
    return length;
  };
  const socket = { write };
  class Layered extends NativeConn {
    override get tls() {
      return { version: "TLSv1.3", resumed: false };
    }
  }
  expect(new Layered(socket as never, new KeepAlive(0)).write(new Uint8Array(3 * PIECE))).toBe(true);
  expect(written).toEqual([3 * PIECE]);
});

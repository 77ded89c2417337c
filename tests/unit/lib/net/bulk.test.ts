/** Bulk data past the runtime: nothing is lost or reordered, and ends are left alone. Over pairs of real sockets. */
import { afterEach, describe, expect, test } from "bun:test";
import { closeSync, readSync, writeSync } from "node:fs";
import { libc } from "../../../../lib/ffi/libc.ts";
import { readBulk, readInto, spliceBulk } from "../../../../lib/net/bulk.ts";

const open: number[] = [];
afterEach(() => {
  for (const fd of open.splice(0)) closeSync(fd);
});

function pair(): [near: number, far: number] {
  const fds = libc()!.socketpair()!;
  open.push(...fds);
  return fds;
}

/** Writes as much of `bytes` as there is room for; the part that was taken. */
function pour(fd: number, bytes: Uint8Array): Uint8Array {
  let at = 0;
  try {
    while (at < bytes.length) at += writeSync(fd, bytes, at, Math.min(8192, bytes.length - at));
  } catch (error) {
    if ((error as { code?: string }).code !== "EAGAIN") throw error;
  }
  return bytes.subarray(0, at);
}

/** All that waits in a socket. */
function empty(fd: number): Buffer {
  const pieces: Buffer[] = [];
  while (libc()!.readable(fd) > 0) {
    const piece = Buffer.alloc(64 * 1024);
    pieces.push(piece.subarray(0, readSync(fd, piece)));
  }
  return Buffer.concat(pieces);
}

const pattern = (length: number, step: number) => Uint8Array.from({ length }, (_, i) => (i * step) % 251);
const never = () => expect.unreachable();

describe("inside the kernel", () => {
  test("what waits is moved, whole and in order, as often as something waits", () => {
    const [from, source] = pair();
    const [to, sink] = pair();
    for (const step of [7, 11]) {
      const sent = pour(source, pattern(100_000, step));
      expect(sent.length).toBeGreaterThan(50_000);
      expect(spliceBulk(from, to, never)).toBe(sent.length);
      expect(empty(sink).equals(sent)).toBe(true);
    }
  });

  test("what the target does not take is given back, and all of it", () => {
    const [from, source] = pair();
    const [to, sink] = pair();
    const before = pour(to, pattern(4_000_000, 3));
    // Some room, less than what comes.
    const head = Buffer.alloc(20_000);
    const read = readSync(sink, head);
    const sent = pour(source, pattern(150_000, 5));
    const rests: Uint8Array[] = [];
    expect(spliceBulk(from, to, (rest, broken) => void (broken || rests.push(rest)))).toBe(sent.length);
    expect(rests).toHaveLength(1);
    const after = Buffer.concat([head.subarray(0, read), empty(sink), rests[0]!]);
    expect(after.equals(Buffer.concat([before, sent]))).toBe(true);
    // The next call finds nothing of this one.
    const more = pour(source, pattern(1000, 13));
    expect(spliceBulk(from, to, never)).toBe(1000);
    expect(empty(sink).equals(more)).toBe(true);
  });

  test("nothing waits, or the end: nothing is taken, and the end stays to be found", () => {
    const [from, source] = pair();
    const [to] = pair();
    expect(spliceBulk(from, to, never)).toBe(0);
    closeSync(open.splice(open.indexOf(source), 1)[0]!);
    expect(spliceBulk(from, to, never)).toBe(0);
    expect(readSync(from, Buffer.alloc(1))).toBe(0);
  });

  test("a target that is gone: the bytes are given back, and that is said", () => {
    const [from, source] = pair();
    const [to, sink] = pair();
    closeSync(open.splice(open.indexOf(sink), 1)[0]!);
    const sent = pour(source, pattern(5000, 17));
    const rests: Uint8Array[] = [];
    const brokens: boolean[] = [];
    expect(spliceBulk(from, to, (rest, broken) => void (rests.push(rest), brokens.push(broken)))).toBe(5000);
    expect(Buffer.concat(rests).equals(sent)).toBe(true);
    expect(brokens).toEqual([true]);
  });
});

describe("through the buffer", () => {
  test("what waits is given piece by piece", () => {
    const [from, source] = pair();
    const sent = pour(source, pattern(100_000, 7));
    const pieces: Buffer[] = [];
    expect(readBulk(from, (piece) => (pieces.push(Buffer.from(piece)), true))).toBe(sent.length);
    expect(Buffer.concat(pieces).equals(sent)).toBe(true);
    expect(readBulk(from, never)).toBe(0);
  });
});

test("readInto fills what it is given, and leaves the rest, and an end, alone", () => {
  const [near, far] = pair();
  const bytes = Uint8Array.from(pattern(1000, 7));
  pour(far, bytes);
  const first = new Uint8Array(600);
  expect(readInto(near, first)).toBe(600);
  expect(first).toEqual(bytes.subarray(0, 600));
  const rest = new Uint8Array(600);
  expect(readInto(near, rest)).toBe(400);
  expect(rest.subarray(0, 400)).toEqual(bytes.subarray(600));
  expect(readInto(near, rest)).toBe(0);
  closeSync(open.pop()!);
  expect(readInto(near, rest)).toBe(0);
  expect(readInto(-1, rest)).toBe(0);
});

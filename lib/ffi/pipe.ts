/** A pipe of our own as the way between two sockets inside the kernel: splice(2). Undefined where there is none to have. */
import { openLibc } from "./libc.ts";

const SYMBOLS = {
  pipe2: { args: ["ptr", "int"], returns: "int" },
  fcntl: { args: ["int", "int", "int"], returns: "int" },
  splice: { args: ["int", "ptr", "int", "ptr", "usize", "u32"], returns: "int" },
  read: { args: ["int", "ptr", "usize"], returns: "int" },
  poll: { args: ["ptr", "u64", "int"], returns: "int" },
} as const;

/** O_CLOEXEC and O_NONBLOCK. */
const FLAGS = 0o2004000;
const F_SETPIPE_SZ = 1031;
/** SPLICE_F_MOVE and SPLICE_F_NONBLOCK. */
const MOVE = 3;
/** POLLERR and POLLHUP in the upper half of a `struct pollfd`'s second word, where the answer stands. */
const BROKEN = 0x18_0000;
/**
 * Bytes, the most that an ordinary user gets: 256 places, each for a fragment of a packet whatever its size. Where the
 * system grants fewer, less is moved at a time.
 */
const SIZE = 1024 * 1024;

export interface Pipe {
  /** Takes up to `length` bytes that wait in the socket `from`; -1 for an error, or where nothing waits. */
  fill(from: number, length: number): number;
  /**
   * Hands up to `length` bytes on to the socket `to`; -1 for an error, or where it takes none now. An error that was met
   * here nobody else will see.
   */
  drain(to: number, length: number): number;
  /** Whether the socket `to` is reset, or gone at the other end. */
  isBroken(to: number): boolean;
  /** Takes `length` bytes out of it, which it must hold. */
  read(length: number): Uint8Array;
}

/** Two descriptors, for good. */
export function openPipe(): Pipe | undefined {
  const symbols = openLibc(SYMBOLS);
  if (symbols === undefined) return undefined;
  const { pipe2, fcntl, splice, read, poll } = symbols;
  const ends = new Int32Array(2);
  if (pipe2(ends, FLAGS) !== 0) return undefined;
  const [exit, entry] = ends as unknown as [number, number];
  fcntl(entry, F_SETPIPE_SZ, SIZE);
  const polled = new Int32Array(2);
  return {
    fill: (from, length) => splice(from, null, entry, null, length, MOVE),
    drain: (to, length) => splice(exit, null, to, null, length, MOVE),
    isBroken(to) {
      polled[0] = to;
      polled[1] = 0;
      return poll(polled, 1, 0) === 1 && (polled[1]! & BROKEN) !== 0;
    },
    read(length) {
      const bytes = new Uint8Array(length);
      if (read(exit, bytes, length) !== length) throw new Error("a pipe holds less than was put into it");
      return bytes;
    },
  };
}

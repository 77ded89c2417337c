/** Calls on TCP sockets by their descriptors, for code that has a thread of its own. Keeps none. */
import { ptr, read, type Pointer } from "bun:ffi";
import { openLibc } from "./libc.ts";

const SYMBOLS = {
  accept4: { args: ["int", "ptr", "ptr", "int"], returns: "int" },
  socket: { args: ["int", "int", "int"], returns: "int" },
  connect: { args: ["int", "ptr", "u32"], returns: "int" },
  recv: { args: ["int", "ptr", "usize", "int"], returns: "int" },
  send: { args: ["int", "ptr", "usize", "int"], returns: "int" },
  shutdown: { args: ["int", "int"], returns: "int" },
  close: { args: ["int"], returns: "int" },
  setsockopt: { args: ["int", "int", "int", "ptr", "u32"], returns: "int" },
  eventfd: { args: ["u32", "int"], returns: "int" },
  read: { args: ["int", "ptr", "usize"], returns: "int" },
  write: { args: ["int", "ptr", "usize"], returns: "int" },
  __errno_location: { args: [], returns: "ptr" },
} as const;

/** Numbers of Linux on x64 and arm64. */
export const ERRNO = {
  EINTR: 4,
  EAGAIN: 11,
  EMFILE: 24,
  EPIPE: 32,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  EINPROGRESS: 115,
} as const;
const SOL_SOCKET = 1;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
/** SO_KEEPALIVE; TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT (tcp(7)). */
const SO_KEEPALIVE = 9;
const [KEEPIDLE, KEEPINTVL, KEEPCNT] = [4, 5, 6];
const SO_LINGER = 13;
/** SOCK_STREAM; SOCK_NONBLOCK and SOCK_CLOEXEC, which eventfd(2) has too. */
const STREAM = 1;
const FLAGS = 0o2004000;
const MSG_NOSIGNAL = 0x4000;
const SHUT_WR = 1;

/**
 * Memory that the system may be given by its address, again and again: the runtime moves the bytes of small arrays that
 * have no `ArrayBuffer` of their own when it likes.
 */
export interface Block {
  readonly bytes: Uint8Array;
  readonly at: Pointer;
}

export function block(size: number): Block {
  const bytes = new Uint8Array(new ArrayBuffer(size));
  return { bytes, at: ptr(bytes) };
}

/** Each answers what the system does, -1 for an error, of which `errno` says the number. */
export type SocketCalls = NonNullable<ReturnType<typeof openSocketCalls>>;

/** Undefined where there is no C library to ask. Errors of `setsockopt` are nobody's: a connection goes on without. */
export function openSocketCalls() {
  const c = openLibc(SYMBOLS);
  if (c === undefined) return undefined;
  const word = block(4);
  const wordView = new Int32Array(word.bytes.buffer);
  const linger = block(8);
  new Int32Array(linger.bytes.buffer).set([1, 0]);
  const setInt = (fd: number, level: number, option: number, value: number) => {
    wordView[0] = value;
    c.setsockopt(fd, level, option, word.at, 4);
  };
  return {
    errno: () => read.i32(c.__errno_location()!),
    /** Writes the peer's sockaddr to `address`, whose size stands in `length`. */
    accept: (fd: number, address: Block, length: Block) => c.accept4(fd, address.at, length.at, FLAGS),
    /** `family` as in a sockaddr. */
    socket: (family: number) => c.socket(family, STREAM | FLAGS, 0),
    connect: (fd: number, address: Block) => c.connect(fd, address.at, address.bytes.length),
    recv: (fd: number, into: Block) => c.recv(fd, into.at, into.bytes.length, 0),
    send: (fd: number, from: Block, length: number) => c.send(fd, from.at, length, MSG_NOSIGNAL),
    sendBytes: (fd: number, bytes: Uint8Array) => c.send(fd, bytes, bytes.length, MSG_NOSIGNAL),
    endWriting: (fd: number) => c.shutdown(fd, SHUT_WR),
    close: (fd: number) => c.close(fd),
    noDelay: (fd: number) => setInt(fd, IPPROTO_TCP, TCP_NODELAY, 1),
    /** Probes as the runtime does them: the first after `seconds` of silence, ten in as many seconds. */
    probeAfter(fd: number, seconds: number) {
      setInt(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
      setInt(fd, IPPROTO_TCP, KEEPIDLE, seconds);
      setInt(fd, IPPROTO_TCP, KEEPINTVL, 1);
      setInt(fd, IPPROTO_TCP, KEEPCNT, 10);
    },
    /** Closes with a reset: the peer is not to take what came for all there was. */
    reset(fd: number) {
      c.setsockopt(fd, SOL_SOCKET, SO_LINGER, linger.at, 8);
      c.close(fd);
    },
    /** A counter that wakes who waits for it. */
    eventfd: () => c.eventfd(0, FLAGS),
    wake(fd: number) {
      const one = block(8);
      one.bytes[0] = 1;
      c.write(fd, one.at, 8);
    },
    /** How often it woke since the last time, after which that is forgotten. */
    wakings(fd: number) {
      const count = block(8);
      c.read(fd, count.at, 8);
      return count.bytes[0]! + count.bytes[1]! * 256;
    },
  };
}

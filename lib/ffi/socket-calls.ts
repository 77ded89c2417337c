/** Calls on TCP sockets by their descriptors, for code that has a thread of its own. Keeps none. */
import { read } from "bun:ffi";
import { openLibc } from "./libc.ts";

const SYMBOLS = {
  accept4: { args: ["int", "ptr", "ptr", "int"], returns: "int" },
  socket: { args: ["int", "int", "int"], returns: "int" },
  connect: { args: ["int", "ptr", "u32"], returns: "int" },
  recv: { args: ["int", "ptr", "u32", "int"], returns: "int" },
  send: { args: ["int", "ptr", "u32", "int"], returns: "int" },
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
const TCP_DEFER_ACCEPT = 9;
const TCP_QUICKACK = 12;
/** SO_KEEPALIVE; TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT (tcp(7)). */
const SO_KEEPALIVE = 9;
const [KEEPIDLE, KEEPINTVL, KEEPCNT] = [4, 5, 6];
const SO_LINGER = 13;
const SO_MARK = 36;
/** SOCK_STREAM; SOCK_NONBLOCK and SOCK_CLOEXEC, which eventfd(2) has too. */
const STREAM = 1;
const FLAGS = 0o2004000;
const MSG_NOSIGNAL = 0x4000;
const SHUT_WR = 1;

/** Lengths are below 4 GiB: `usize` would be dearer to pass. Each answers what the system does, -1 for an error, of which `errno` says the number. */
export type SocketCalls = NonNullable<ReturnType<typeof openSocketCalls>>;

/** Undefined where there is no C library to ask. Errors of `setsockopt` are nobody's: a connection goes on without. */
export function openSocketCalls() {
  const c = openLibc(SYMBOLS);
  if (c === undefined) return undefined;
  const word = new Int32Array(1);
  const linger = Int32Array.of(1, 0);
  const marked = new Uint32Array(1);
  const setInt = (fd: number, level: number, option: number, value: number) => {
    word[0] = value;
    c.setsockopt(fd, level, option, word, 4);
  };
  // Each thread has its own, and opens these calls for itself.
  const { __errno_location: errnoLocation } = c;
  const errnoAt = errnoLocation()!;
  return {
    errno: () => read.i32(errnoAt),
    /** Writes the peer's sockaddr to `address`, whose size stands in `length`. */
    accept: (fd: number, address: Uint8Array, length: Uint32Array) => c.accept4(fd, address, length, FLAGS),
    /** `family` as in a sockaddr. */
    socket: (family: number) => c.socket(family, STREAM | FLAGS, 0),
    connect: (fd: number, address: Uint8Array) => c.connect(fd, address, address.length),
    recv: (fd: number, into: Uint8Array, most = into.length) => c.recv(fd, into, most, 0),
    send: (fd: number, bytes: Uint8Array, length: number) => c.send(fd, bytes, length, MSG_NOSIGNAL),
    endWriting: (fd: number) => c.shutdown(fd, SHUT_WR),
    close: (fd: number) => c.close(fd),
    /** Of a listener: clients are there to be accepted when they have said something, or nothing for about a second. */
    deferAccept: (fd: number) => setInt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1),
    /** Has acknowledgements go with answers from the first byte on, where both come in time (TCP_QUICKACK). */
    acknowledgeWithAnswers: (fd: number) => setInt(fd, IPPROTO_TCP, TCP_QUICKACK, 0),
    /** The contrary, also of what came already. */
    acknowledgeAtOnce: (fd: number) => setInt(fd, IPPROTO_TCP, TCP_QUICKACK, 1),
    noDelay: (fd: number) => setInt(fd, IPPROTO_TCP, TCP_NODELAY, 1),
    /** Probes as the runtime does them: the first after `seconds` of silence, ten in as many seconds. */
    probeAfter(fd: number, seconds: number) {
      setInt(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
      setInt(fd, IPPROTO_TCP, KEEPIDLE, seconds);
      setInt(fd, IPPROTO_TCP, KEEPINTVL, 1);
      setInt(fd, IPPROTO_TCP, KEEPCNT, 10);
    },
    /** False where it may not be: it takes CAP_NET_ADMIN. */
    mark(fd: number, mark: number): boolean {
      marked[0] = mark;
      return c.setsockopt(fd, SOL_SOCKET, SO_MARK, marked, 4) === 0;
    },
    /** Closes with a reset: the peer is not to take what came for all there was. */
    reset(fd: number) {
      c.setsockopt(fd, SOL_SOCKET, SO_LINGER, linger, 8);
      c.close(fd);
    },
    /** A counter that wakes who waits for it. */
    eventfd: () => c.eventfd(0, FLAGS),
    wake(fd: number) {
      c.write(fd, new BigUint64Array([1n]), 8);
    },
    /** How often it woke since the last time, after which that is forgotten. */
    wakings(fd: number) {
      const count = new BigUint64Array(1);
      c.read(fd, count, 8);
      return Number(count[0]);
    },
  };
}

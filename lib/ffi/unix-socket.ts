/** AF_UNIX sockets to write to, which the runtime has only in part: datagrams, and streams without an event loop. Reads nothing. */
import { read, type Pointer } from "bun:ffi";
import { constants } from "node:os";
import { openLibc } from "./libc.ts";
import { rightsMessage } from "./rights-message.ts";

const SYMBOLS = {
  socket: { args: ["int", "int", "int"], returns: "int" },
  connect: { args: ["int", "ptr", "u32"], returns: "int" },
  sendto: { args: ["int", "ptr", "usize", "int", "ptr", "u32"], returns: "int" },
  sendmsg: { args: ["int", "ptr", "int"], returns: "int" },
  close: { args: ["int"], returns: "int" },
  clock_gettime: { args: ["int", "ptr"], returns: "int" },
  __errno_location: { args: [], returns: "ptr" },
} as const;

/** Numbers of Linux on x64 and arm64. */
const AF_UNIX = 1;
const SOCKETS = { stream: 1, datagram: 2 } as const;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const CLOCK_MONOTONIC = 1;
/** Of `sun_path` (unix(7)); a path ends with a zero byte within it. */
const PATH_SIZE = 108;

/** The name of an error of the system, such as `EAGAIN`: the reader is slow, try again later. */
export type ErrorName = string;

export interface UnixSocket {
  /**
   * Sends a datagram whole, or what fits of a stream. The bytes taken, or why none were. Never waits. A datagram finds
   * its receiver anew each time.
   */
  send(bytes: Uint8Array): number | ErrorName;
  /** Sends an empty datagram with a descriptor, which stays the caller's to close. Why it was not sent, or undefined. */
  pass(fd: number): ErrorName | undefined;
  close(): void;
}

/**
 * A socket to the one at `address`: an absolute path, or `@name` for an abstract one. The name of the system's error
 * where it cannot be had: `ENOSYS` without a C library to ask, `EINVAL` for another kind of address, `ENAMETOOLONG`,
 * for a stream also why nobody answers (`EPROTOTYPE`: it is for datagrams).
 */
export function openUnixSocket(kind: keyof typeof SOCKETS, address: string): UnixSocket | ErrorName {
  const system = calls();
  if (system === undefined) return "ENOSYS";
  const name = encodeAddress(address);
  if (typeof name === "string") return name;
  const fd = system.socket(AF_UNIX, SOCKETS[kind] | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errorName(system.errno());
  if (kind === "stream" && system.connect(fd, name, name.length) !== 0) {
    const error = errorName(system.errno());
    system.close(fd);
    return error;
  }
  const [to, length] = kind === "stream" ? [null, 0] : [name, name.length];
  return {
    send(bytes) {
      const sent = system.sendto(fd, bytes, bytes.length, MSG_NOSIGNAL, to, length);
      return sent >= 0 ? sent : errorName(system.errno());
    },
    pass(passed) {
      const { header, kept } = rightsMessage(passed, new Uint8Array(), to ?? undefined);
      const sent = system.sendmsg(fd, header, MSG_NOSIGNAL);
      return sent >= 0 && kept.length > 0 ? undefined : errorName(system.errno());
    },
    close: () => void system.close(fd),
  };
}

/** Microseconds of CLOCK_MONOTONIC, which all processes of the machine share; undefined without a C library to ask. */
export function monotonicMicroseconds(): bigint | undefined {
  const time = new BigInt64Array(2);
  if (calls()?.clockGettime(CLOCK_MONOTONIC, time) !== 0) return undefined;
  return time[0]! * 1_000_000n + time[1]! / 1000n;
}

let opened: ReturnType<typeof open>;

/** Opened when first needed. */
function calls() {
  return (opened ??= open());
}

function open() {
  const symbols = openLibc(SYMBOLS);
  if (symbols === undefined) return undefined;
  const { socket, connect, sendto, sendmsg, close, clock_gettime: clockGettime, __errno_location: errno } = symbols;
  return { socket, connect, sendto, sendmsg, close, clockGettime, errno };
}

/** A `sockaddr_un`: the family in host order, then the path and a zero, or a zero and the abstract name. */
export function encodeAddress(address: string): Uint8Array | ErrorName {
  const abstract = address.startsWith("@");
  if ((!abstract && !address.startsWith("/")) || address.includes("\0")) return "EINVAL";
  const path = Buffer.from(abstract ? `\0${address.slice(1)}` : `${address}\0`);
  if (path.length > PATH_SIZE) return "ENAMETOOLONG";
  return Buffer.concat([Uint8Array.of(AF_UNIX, 0), path]);
}

/** Backwards, so that EAGAIN stands before its other name, EWOULDBLOCK. */
const NAMES = new Map(
  Object.entries(constants.errno)
    .toReversed()
    .map(([name, number]) => [number, name]),
);

export function errorName(location: Pointer | bigint | null): ErrorName {
  return errorText(location === null ? 0 : read.i32(location as Pointer));
}

/** The name of an error by its number. */
export function errorText(number: number): ErrorName {
  return NAMES.get(number) ?? `errno ${number}`;
}

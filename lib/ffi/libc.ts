/** The C library's calls that the runtime does not offer, by absolute path. Undefined where none is found: nothing may depend on it. */
import { dlopen, type FFIFunction } from "bun:ffi";
import { existsSync } from "node:fs";

/** `int` holds every count: nobody moves 2 GiB at once. */
const SYMBOLS = {
  recv: { args: ["int", "ptr", "usize", "int"], returns: "int" },
  ioctl: { args: ["int", "u64", "ptr"], returns: "int" },
  getsockname: { args: ["int", "ptr", "ptr"], returns: "int" },
  fcntl: { args: ["int", "int", "int"], returns: "int" },
  sched_yield: { args: [], returns: "int" },
  socketpair: { args: ["int", "int", "int", "ptr"], returns: "int" },
} as const;

interface Libc {
  /** recv(2): bytes read, 0 at the end, -1 for an error. */
  recv(fd: number, buffer: Uint8Array, length: number, flags: number): number;
  /** ioctl(2) FIONREAD: bytes that a recv would give; 0 also at the end, after an error and for a bad descriptor. */
  readable(fd: number): number;
  /** getsockname(2): the raw sockaddr of the socket, or undefined for what is no socket. */
  getsockname(fd: number): Uint8Array | undefined;
  /** fcntl(2) F_DUPFD_CLOEXEC: a second descriptor of the same socket, -1 for an error. */
  dup(fd: number): number;
  /** fcntl(2) F_GETFD: whether the descriptor is closed when another program is begun; none that we were begun with is. */
  closesOnExec(fd: number): boolean;
  /** fcntl(2) F_SETPIPE_SZ: asks for a pipe that holds `bytes`; for anything else nothing happens. */
  widenPipe(fd: number, bytes: number): void;
  /** sched_yield(2): whoever else waits for this processor goes first. */
  giveWay(): void;
  /** socketpair(2): two connected stream sockets, or undefined when there is no descriptor left. */
  socketpair(): [number, number] | undefined;
}

/** A flag of recv(2) on Linux. */
export const MSG_DONTWAIT = 0x40;

const FIONREAD = 0x541b;
const F_GETFD = 1;
const FD_CLOEXEC = 1;
const F_DUPFD_CLOEXEC = 1030;
const F_SETPIPE_SZ = 1031;
const AF_UNIX = 1;
/** SOCK_STREAM, SOCK_CLOEXEC, SOCK_NONBLOCK. */
const STREAM = 0o2004001;
const count = new Int32Array(1);

/** Where distributions put it. A bare name would be looked up in the current directory too. */
const PATHS = [
  "/lib/x86_64-linux-gnu/libc.so.6",
  "/lib/aarch64-linux-gnu/libc.so.6",
  "/lib64/libc.so.6",
  "/usr/lib64/libc.so.6",
  "/usr/lib/libc.so.6",
  "/lib/libc.musl-x86_64.so.1",
  "/lib/libc.musl-aarch64.so.1",
];

let opened: Libc | undefined | "no";

/** Opens it once; undefined on a system that is not Linux, or has it elsewhere. */
export function libc(): Libc | undefined {
  opened ??= open() ?? "no";
  return opened === "no" ? undefined : opened;
}

function open(): Libc | undefined {
  const symbols = openLibc(SYMBOLS);
  if (symbols === undefined) return undefined;
  const { recv, ioctl, getsockname, fcntl, sched_yield: schedYield, socketpair } = symbols;
  return {
    recv: (fd, buffer, length, flags) => recv(fd, buffer, length, flags),
    readable(fd) {
      count[0] = 0;
      return ioctl(fd, FIONREAD, count) === 0 ? count[0] : 0;
    },
    getsockname(fd) {
      const address = new Uint8Array(128);
      const length = Uint32Array.of(address.length);
      return getsockname(fd, address, length) === 0 ? address.subarray(0, length[0]) : undefined;
    },
    giveWay: () => void schedYield(),
    widenPipe: (fd, bytes) => void fcntl(fd, F_SETPIPE_SZ, bytes),
    closesOnExec(fd) {
      const flags = fcntl(fd, F_GETFD, 0);
      return flags !== -1 && (flags & FD_CLOEXEC) !== 0;
    },
    dup: (fd) => fcntl(fd, F_DUPFD_CLOEXEC, 3),
    socketpair() {
      const pair = new Int32Array(2);
      return socketpair(AF_UNIX, STREAM, 0, pair) === 0 ? [pair[0]!, pair[1]!] : undefined;
    },
  };
}

/** The named calls of the C library, for the files of lib/ffi: each opens what it needs when it needs it. */
export function openLibc<S extends Record<string, FFIFunction>>(symbols: S) {
  if (process.platform !== "linux") return undefined;
  for (const path of PATHS) {
    if (!existsSync(path)) continue;
    try {
      return dlopen(path, symbols).symbols;
    } catch {
      // Of another architecture: the next path may fit.
    }
  }
  return undefined;
}

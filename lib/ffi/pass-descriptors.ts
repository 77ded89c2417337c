/** Descriptors for another process: sendmsg(2) with SCM_RIGHTS over a UNIX stream (unix(7)). Reads nothing. */
import { closeSync } from "node:fs";
import { openLibc } from "./libc.ts";
import { rightsMessage } from "./rights-message.ts";
import { encodeAddress, errorName, type ErrorName } from "./unix-socket.ts";

const SYMBOLS = {
  socket: { args: ["int", "int", "int"], returns: "int" },
  connect: { args: ["int", "ptr", "u32"], returns: "int" },
  sendto: { args: ["int", "ptr", "usize", "int", "ptr", "u32"], returns: "int" },
  sendmsg: { args: ["int", "ptr", "int"], returns: "int" },
  __errno_location: { args: [], returns: "ptr" },
} as const;

/** Numbers of Linux on x64 and arm64. */
const AF_UNIX = 1;
/** SOCK_STREAM, SOCK_CLOEXEC, SOCK_NONBLOCK. */
const STREAM = 0o2004001;
const MSG_NOSIGNAL = 0x4000;

let opened: ReturnType<typeof open>;

/**
 * Connects to the listener at `path`, sends `bytes`, then each descriptor with a zero byte of its own. The connection's
 * descriptor, or why there is none: `EAGAIN` where the listener has no room yet. Never waits. `passed` stay ours to close.
 */
export function connectAndPass(path: string, bytes: Uint8Array, passed: readonly number[]): number | ErrorName {
  const system = (opened ??= open());
  if (system === undefined) return "ENOSYS";
  const name = encodeAddress(path);
  if (typeof name === "string") return name;
  const fd = system.socket(AF_UNIX, STREAM, 0);
  if (fd < 0) return errorName(system.errno());
  const good =
    system.connect(fd, name, name.length) === 0 &&
    (bytes.length === 0 || system.sendto(fd, bytes, bytes.length, MSG_NOSIGNAL, null, 0) === bytes.length) &&
    passed.every((one) => pass(system, fd, one));
  if (good) return fd;
  const error = errorName(system.errno());
  closeSync(fd);
  return error;
}

function pass(system: NonNullable<typeof opened>, fd: number, passed: number): boolean {
  const { header, kept } = rightsMessage(passed, Uint8Array.of(0));
  return system.sendmsg(fd, header, MSG_NOSIGNAL) === 1 && kept.length > 0;
}

function open() {
  const symbols = openLibc(SYMBOLS);
  if (symbols === undefined) return undefined;
  const { socket, connect, sendto, sendmsg, __errno_location: errno } = symbols;
  return { socket, connect, sendto, sendmsg, errno };
}

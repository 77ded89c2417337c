/** A TCP socket with a firewall mark that it has before it connects (socket(7), SO_MARK), so that a rule can know it from its first packet on. Waits for nothing. */
import { closeSync } from "node:fs";
import type { Ip } from "../wire/ip.ts";
import { openLibc } from "./libc.ts";
import { socketAddress } from "./send-datagram.ts";
import { errorName, errorText, type ErrorName } from "./unix-socket.ts";

const SYMBOLS = {
  socket: { args: ["int", "int", "int"], returns: "int" },
  setsockopt: { args: ["int", "int", "int", "ptr", "u32"], returns: "int" },
  connect: { args: ["int", "ptr", "u32"], returns: "int" },
  getsockopt: { args: ["int", "int", "int", "ptr", "ptr"], returns: "int" },
  getpeername: { args: ["int", "ptr", "ptr"], returns: "int" },
  __errno_location: { args: [], returns: "ptr" },
} as const;

/** Numbers of Linux on x64 and arm64. */
const AF_INET = 2;
const AF_INET6 = 10;
/** SOCK_STREAM, SOCK_CLOEXEC, SOCK_NONBLOCK. */
const STREAM = 0o2004001;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SO_MARK = 36;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;

let opened: ReturnType<typeof open>;

/** Begins to connect; the descriptor, which may be connected already, or why there is none: `EPERM` without CAP_NET_ADMIN. */
export function connectMarked(ip: Ip, port: number, mark: number): number | ErrorName {
  const fd = markedSocket(ip.family, mark);
  if (typeof fd === "string") return fd;
  const { connect, errno } = calls()!;
  const address = socketAddress(ip, port);
  if (connect(fd, address, address.length) === 0) return fd;
  const error = errorName(errno());
  if (error === "EINPROGRESS") return fd;
  closeSync(fd);
  return error;
}

/** How far a connection has come that was begun. An error is told once. */
export function connectState(fd: number): "pending" | "connected" | ErrorName {
  const { getsockopt, getpeername } = calls()!;
  if (getpeername(fd, new Uint8Array(32), Uint32Array.of(32)) === 0) return "connected";
  const error = new Int32Array(1);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, error, Uint32Array.of(4)) !== 0) return "EBADF";
  return error[0] === 0 ? "pending" : errorText(error[0]!);
}

/** Whether marks can be set; undefined where they can, else why not. */
export function whyNoMark(mark: number): ErrorName | undefined {
  const fd = markedSocket(4, mark);
  if (typeof fd === "string") return fd;
  closeSync(fd);
  return undefined;
}

function markedSocket(family: Ip["family"], mark: number): number | ErrorName {
  const system = calls();
  if (system === undefined) return "ENOSYS";
  const fd = system.socket(family === 4 ? AF_INET : AF_INET6, STREAM, 0);
  if (fd < 0) return errorName(system.errno());
  system.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, Uint32Array.of(1), 4);
  if (system.setsockopt(fd, SOL_SOCKET, SO_MARK, Uint32Array.of(mark), 4) === 0) return fd;
  const error = errorName(system.errno());
  closeSync(fd);
  return error;
}

function calls() {
  return (opened ??= open());
}

function open() {
  const symbols = openLibc(SYMBOLS);
  if (symbols === undefined) return undefined;
  const { socket, setsockopt, connect, getsockopt, getpeername, __errno_location: errno } = symbols;
  return { socket, setsockopt, connect, getsockopt, getpeername, errno };
}

/** The question whose socket it is that has these two addresses, and its answer: sock_diag(7) for TCP. Asks nobody. */
import type { Ip } from "./ip.ts";
import { encodeIp } from "./ip-bytes.ts";

/** Whose a TCP socket is. */
export interface SocketOwner {
  uid: number;
  /** Number of the socket, as in `/proc/PID/fd`. */
  inode: number;
}

export interface SocketEnd {
  ip: Ip;
  port: number;
}

/** Numbers of Linux. */
const AF_INET = 2;
const AF_INET6 = 10;
const IPPROTO_TCP = 6;
const SOCK_DIAG_BY_FAMILY = 20;
const NLM_F_REQUEST = 1;
const TCP_LISTEN = 10;
const HEADER = 16;
const REQUEST = 56;
/** Of the ids within request and answer: two ports, two addresses, an interface, a cookie. */
const ID = 48;
const ANSWER = 72;

/** A netlink message that asks for the one TCP socket between `own`, the end whose owner is wanted, and `other`. */
export function encodeOwnerRequest(own: SocketEnd, other: SocketEnd): Uint8Array {
  const bytes = new Uint8Array(HEADER + REQUEST);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, SOCK_DIAG_BY_FAMILY, true);
  view.setUint16(6, NLM_F_REQUEST, true);
  bytes[HEADER] = own.ip.family === 4 ? AF_INET : AF_INET6;
  bytes[HEADER + 1] = IPPROTO_TCP;
  // Every state.
  view.setUint32(HEADER + 4, 0xffff_ffff, true);
  const id = HEADER + 8;
  view.setUint16(id, own.port);
  view.setUint16(id + 2, other.port);
  bytes.set(encodeIp(own.ip), id + 4);
  bytes.set(encodeIp(other.ip), id + 20);
  // INET_DIAG_NOCOOKIE.
  bytes.fill(0xff, id + ID - 8, id + ID);
  return bytes;
}

/**
 * Undefined where there is no such socket, where it is only one that listens, and where nobody holds it any more: of an
 * orphan the system says that it is root's.
 */
export function decodeOwner(bytes: Uint8Array, { port }: SocketEnd): SocketOwner | undefined {
  if (bytes.length < HEADER + ANSWER) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint16(4, true) !== SOCK_DIAG_BY_FAMILY) return undefined;
  const state = bytes[HEADER + 1];
  if (state === TCP_LISTEN || view.getUint16(HEADER + 4) !== port) return undefined;
  const uid = view.getUint32(HEADER + 4 + ID + 12, true);
  const inode = view.getUint32(HEADER + 4 + ID + 16, true);
  return inode === 0 ? undefined : { uid, inode };
}

/** SOCKS5 messages (RFC 1928) and username/password sub-negotiation (RFC 1929). Bytes only; the dialogue is in lib/session. */
import { bad, MORE, type Decoded } from "./decode.ts";
import { decodeIp, encodeIp } from "./ip-bytes.ts";
import { formatIp, type Ip } from "./ip.ts";
import { decodeUtf8 } from "./utf8.ts";

export const METHOD = { none: 0x00, password: 0x02, noAcceptable: 0xff } as const;

export const COMMAND = { connect: 0x01, bind: 0x02, udpAssociate: 0x03 } as const;

/** RFC 1928 section 6. */
export const REPLY = {
  succeeded: 0x00,
  generalFailure: 0x01,
  notAllowed: 0x02,
  networkUnreachable: 0x03,
  hostUnreachable: 0x04,
  connectionRefused: 0x05,
  ttlExpired: 0x06,
  commandNotSupported: 0x07,
  addressTypeNotSupported: 0x08,
} as const;

export type Reply = (typeof REPLY)[keyof typeof REPLY];

/** `VER NMETHODS METHODS`: whether `wanted` is among the offered methods. */
export function decodeGreeting(bytes: Uint8Array, wanted: number): Decoded<boolean> {
  if (bytes.length > 0 && bytes[0] !== 5) return bad(`version ${bytes[0]} is not 5`);
  if (bytes.length < 2 || bytes.length < 2 + bytes[1]!) return MORE;
  const length = 2 + bytes[1]!;
  let value = false;
  for (let i = 2; i < length; i++) if (bytes[i] === wanted) value = true;
  return { kind: "ok", value, length };
}

/** `VER METHOD`, for each method that is ever chosen. */
export const METHOD_CHOSEN = {
  none: Uint8Array.of(5, METHOD.none),
  password: Uint8Array.of(5, METHOD.password),
  noAcceptable: Uint8Array.of(5, METHOD.noAcceptable),
} as const;

interface Credentials {
  user: string;
  password: Uint8Array;
}

/** `VER ULEN UNAME PLEN PASSWD`, where VER is 1. The name is UTF-8; a name that is not is refused, never repaired. */
export function decodePassword(bytes: Uint8Array): Decoded<Credentials> {
  if (bytes.length > 0 && bytes[0] !== 1) return bad(`sub-negotiation version ${bytes[0]} is not 1`);
  if (bytes.length < 2) return MORE;
  const nameEnd = 2 + bytes[1]!;
  if (bytes.length <= nameEnd) return MORE;
  const length = nameEnd + 1 + bytes[nameEnd]!;
  if (bytes.length < length) return MORE;
  const user = decodeUtf8(bytes.subarray(2, nameEnd));
  if (user === undefined || user === "") return bad("the user name is empty or not UTF-8");
  return { kind: "ok", value: { user, password: bytes.slice(nameEnd + 1, length) }, length };
}

export function encodePasswordStatus(accepted: boolean): Uint8Array {
  return Uint8Array.of(1, accepted ? 0 : 1);
}

export interface SocksRequest {
  command: number;
  /** As sent: a domain name, or the text of `ip`. */
  host: string;
  ip?: Ip;
  port: number;
}

/** What is wrong with a request, beyond its syntax: the reply that says so. */
interface RefusedRequest {
  reply: Reply;
  reason: string;
}

/** `VER CMD RSV ATYP DST.ADDR DST.PORT`. An unknown address type is a value with the reply 0x08, since a reply is due. */
export function decodeRequest(bytes: Uint8Array): Decoded<SocksRequest | RefusedRequest> {
  if (bytes.length > 0 && bytes[0] !== 5) return bad(`version ${bytes[0]} is not 5`);
  if (bytes.length < 4) return MORE;
  const type = bytes[3]!;
  if (type !== 1 && type !== 3 && type !== 4) {
    const value = { reply: REPLY.addressTypeNotSupported, reason: `address type ${type} is not known` };
    return { kind: "ok", value, length: bytes.length };
  }
  if (type === 3 && bytes.length < 5) return MORE;
  const start = type === 3 ? 5 : 4;
  const end = start + (type === 1 ? 4 : type === 4 ? 16 : bytes[4]!);
  if (bytes.length < end + 2) return MORE;
  const command = bytes[1]!;
  const port = bytes[end]! * 256 + bytes[end + 1]!;
  const length = end + 2;
  if (type !== 3) {
    const ip = decodeIp(bytes, start, end - start);
    return { kind: "ok", value: { command, host: formatIp(ip), ip, port }, length };
  }
  const host = decodeUtf8(bytes.subarray(start, end));
  if (host === undefined) return bad("the domain name is not UTF-8");
  return { kind: "ok", value: { command, host, port }, length };
}

/**
 * `VER REP RSV ATYP BND.ADDR BND.PORT`. The bound address is 0.0.0.0:0, as OpenSSH and others have it: no client of a
 * CONNECT makes use of it, and it is nobody's business.
 */
export function encodeReply(reply: Reply): Uint8Array {
  return REPLIES[reply]!;
}

/** The success of a UDP ASSOCIATE: where the client is to send its datagrams (section 6). */
export function encodeAssociated(ip: Ip, port: number): Uint8Array {
  return Uint8Array.of(5, REPLY.succeeded, 0, ip.family === 4 ? 1 : 4, ...encodeIp(ip), port >> 8, port & 255);
}

const REPLIES = Object.values(REPLY).map((reply) => Uint8Array.of(5, reply, 0, 1, 0, 0, 0, 0, 0, 0));

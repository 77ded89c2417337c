/** The header of a datagram on its way between a SOCKS5 client and its relay (RFC 1928 section 7). Bytes only; what becomes of it is the caller's. */
import { decodeIp, encodeIp } from "./ip-bytes.ts";
import { formatIp, type Ip } from "./ip.ts";
import { decodeUtf8 } from "./utf8.ts";

/** Where the address type stands: behind `RSV RSV FRAG`. The destination is what follows, up to the data. */
export const DESTINATION = 3;

/** In place of a length: it is no header, or that of a fragment, which need not be reassembled (section 7). */
export const MALFORMED = 0;
export const FRAGMENT = -1;

/** The length of the header, or `MALFORMED` or `FRAGMENT`. A number, since it is asked of every datagram. */
export function headerLength(bytes: Uint8Array): number {
  if (bytes.length < 5 || bytes[0] !== 0 || bytes[1] !== 0) return MALFORMED;
  if (bytes[2] !== 0) return FRAGMENT;
  const length = destinationLength(bytes[DESTINATION]!, bytes[4]!);
  return length <= bytes.length ? length : MALFORMED;
}

function destinationLength(type: number, first: number): number {
  if (type === 1) return 10;
  if (type === 4) return 22;
  return type === 3 && first > 0 ? 7 + first : Infinity;
}

interface Destination {
  /** As sent: a domain name, or the text of `ip`. */
  host: string;
  ip: Ip | undefined;
  port: number;
}

/** What a header of `length` names as the destination; undefined for a name that is not UTF-8. */
export function decodeDestination(bytes: Uint8Array, length: number): Destination | undefined {
  const type = bytes[DESTINATION];
  const port = bytes[length - 2]! * 256 + bytes[length - 1]!;
  if (type !== 3) {
    const ip = decodeIp(bytes, 4, length - 6);
    return { host: formatIp(ip), ip, port };
  }
  const host = decodeUtf8(bytes.subarray(5, length - 2));
  return host === undefined ? undefined : { host, ip: undefined, port };
}

/** The header of what came from `ip` and `port`. */
export function encodeHeader(ip: Ip, port: number): Uint8Array {
  return Uint8Array.of(0, 0, 0, ip.family === 4 ? 1 : 4, ...encodeIp(ip), port >> 8, port & 255);
}

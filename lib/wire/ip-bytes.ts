/** IP addresses as they stand on the wire: 4 or 16 bytes in network order. Text and classes are in ip.ts. */
import { formatIp, ipFromWords, ipv4, type Ip } from "./ip.ts";

/** The canonical text of 4 or 16 bytes. */
export function formatIpBytes(bytes: Uint8Array): string {
  return formatIp(decodeIp(bytes, 0, bytes.length));
}

/** The 4 or 16 bytes from `start`; a mapped IPv6 address becomes IPv4. */
export function decodeIp(bytes: Uint8Array, start: number, length: number): Ip {
  if (length === 4) return ipv4(word(bytes, start));
  return ipFromWords(word(bytes, start), word(bytes, start + 4), word(bytes, start + 8), word(bytes, start + 12));
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** The 4 or 16 bytes of an address. */
export function encodeIp({ family, a, b, c, d }: Ip): number[] {
  return (family === 4 ? [d] : [a, b, c, d]).flatMap((one) => [
    one >>> 24,
    (one >>> 16) & 255,
    (one >>> 8) & 255,
    one & 255,
  ]);
}

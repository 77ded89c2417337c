/** IP addresses as they stand on the wire: 4 or 16 bytes in network order. Text and classes are in ip.ts. */
import { formatIp, ipFromWords, ipv4, type Ip } from "./ip.ts";

/** The canonical text of 4 or 16 bytes. */
export function formatIpBytes(bytes: Uint8Array): string {
  return formatIp(decodeIp(bytes));
}

/** 4 or 16 bytes; a mapped IPv6 address becomes IPv4. */
export function decodeIp(bytes: Uint8Array): Ip {
  const word = (i: number) => ((bytes[i]! << 24) | (bytes[i + 1]! << 16) | (bytes[i + 2]! << 8) | bytes[i + 3]!) >>> 0;
  return bytes.length === 4 ? ipv4(word(0)) : ipFromWords(word(0), word(4), word(8), word(12));
}

export function encodeIp(ip: Ip): Uint8Array {
  const words = ip.family === 4 ? [ip.d] : [ip.a, ip.b, ip.c, ip.d];
  return Uint8Array.from(words.flatMap((word) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]));
}

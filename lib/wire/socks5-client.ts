/** What a SOCKS5 client writes and reads (RFC 1928, RFC 1929). Bytes only; the server's half is in socks5.ts. */
import { bad, MORE, type Decoded } from "./decode.ts";
import { encodeIp } from "./ip-bytes.ts";
import { parseIp } from "./ip.ts";
import { COMMAND, METHOD } from "./socks5.ts";

/** `VER NMETHODS METHODS`. */
export function encodeGreeting(methods: readonly number[]): Uint8Array {
  return Uint8Array.of(5, methods.length, ...methods);
}

/** `VER METHOD`: the method that the server chose. */
export function decodeMethod(bytes: Uint8Array): Decoded<number> {
  if (bytes.length > 0 && bytes[0] !== 5) return bad(`version ${bytes[0]} is not 5`);
  return bytes.length < 2 ? MORE : { kind: "ok", value: bytes[1]!, length: 2 };
}

/** `VER ULEN UNAME PLEN PASSWD`; each text has at most 255 bytes in UTF-8, which is the caller's to see to. */
export function encodePassword(user: string, password: string): Uint8Array {
  const [name, secret] = [Buffer.from(user), Buffer.from(password)];
  return Buffer.concat([Uint8Array.of(1, name.length), name, Uint8Array.of(secret.length), secret]);
}

/** `VER STATUS`: whether the credentials are taken. */
export function decodePasswordStatus(bytes: Uint8Array): Decoded<boolean> {
  if (bytes.length > 0 && bytes[0] !== 1) return bad(`sub-negotiation version ${bytes[0]} is not 1`);
  return bytes.length < 2 ? MORE : { kind: "ok", value: bytes[1] === 0, length: 2 };
}

/** `VER CMD RSV ATYP DST.ADDR DST.PORT`, for CONNECT; a name has at most 255 bytes, which is the caller's to see to. */
export function encodeConnect(host: string, port: number): Uint8Array {
  const ip = parseIp(host);
  const name = Buffer.from(host);
  const address = ip === undefined ? [3, name.length, ...name] : [ip.family === 4 ? 1 : 4, ...encodeIp(ip)];
  return Uint8Array.of(5, COMMAND.connect, 0, ...address, port >> 8, port & 255);
}

/**
 * `VER REP RSV ATYP BND.ADDR BND.PORT`: the reply code. Of a reply that is not 0 two bytes say it all, and some servers
 * send no more.
 */
export function decodeReply(bytes: Uint8Array): Decoded<number> {
  if (bytes.length > 0 && bytes[0] !== 5) return bad(`version ${bytes[0]} is not 5`);
  if (bytes.length < 2) return MORE;
  if (bytes[1] !== 0) return { kind: "ok", value: bytes[1]!, length: bytes.length };
  const type = bytes[3];
  if (type !== undefined && type !== 1 && type !== 3 && type !== 4) return bad(`address type ${type} is not known`);
  if (bytes.length < 5) return MORE;
  const length = type === 1 ? 10 : type === 4 ? 22 : 7 + bytes[4]!;
  return bytes.length < length ? MORE : { kind: "ok", value: 0, length };
}

/** What a client offers: "no authentication" always, username/password where it has them. */
export function offeredMethods(withCredentials: boolean): number[] {
  return withCredentials ? [METHOD.none, METHOD.password] : [METHOD.none];
}

/** The binary PROXY header, version 2 (proxy-protocol.txt 2.2): signature, command, addresses. Its further fields are in proxy-tlv.ts. */
import { bad, MORE, type Decoded } from "./decode.ts";
import { decodeIp } from "./ip-bytes.ts";
import { formatIp, parseIp, type Ip } from "./ip.ts";
import { decodeFields, encodeFields, type ProxyFields } from "./proxy-tlv.ts";
import { decodeUtf8 } from "./utf8.ts";

/** A TCP address, or the path of a UNIX socket ("" for none). */
export type ProxyAddress = { ip: string; port: number } | { path: string };

export interface ProxyHeader extends ProxyFields {
  version: 1 | 2;
  /** The proxy speaks for itself, as in health checks: nothing it says of a client counts. */
  local: boolean;
  /** Both are absent where the proxy cannot tell, and in `local`: the socket's own addresses count then. */
  source?: ProxyAddress;
  destination?: ProxyAddress;
}

export const V2_SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);

/** Signature, version and command, family, length. */
const FIXED = 16;
const LONGEST = 0xffff;
const LOCAL = 0x20;
const PROXY = 0x21;
const UNSPECIFIED = 0x00;
const TCP4 = 0x11;
const TCP6 = 0x21;
const UNIX = 0x31;
const PATH = 108;

/** Bytes of both addresses, by family. Datagrams (0x12, 0x22, 0x32) have no place on a stream. */
const ADDRESSES: Record<number, number | undefined> = { [UNSPECIFIED]: 0, [TCP4]: 12, [TCP6]: 36, [UNIX]: 2 * PATH };

/** The header of a connection that the proxy makes for itself, as for a health check. */
export const LOCAL_V2 = Uint8Array.of(...V2_SIGNATURE, LOCAL, UNSPECIFIED, 0, 0);

/** Decodes a header whose signature is there already, as far as `bytes` go. */
export function decodeV2(bytes: Uint8Array): Decoded<ProxyHeader> {
  const [command, family] = [bytes[12], bytes[13]];
  if (command !== undefined && command !== PROXY && command !== LOCAL) {
    return bad(`version and command are ${hex(command)}`);
  }
  const addresses = command === LOCAL ? 0 : ADDRESSES[family ?? UNSPECIFIED];
  if (addresses === undefined) return bad(`family and protocol are ${hex(family!)}`);
  if (bytes.length < FIXED) return MORE;
  const following = bytes[14]! * 256 + bytes[15]!;
  if (following < addresses) return bad(`${following} bytes do not hold the addresses`);
  const length = FIXED + following;
  if (bytes.length < length) return MORE;
  // The block of LOCAL is skipped unread, its family included.
  if (command === LOCAL) return { kind: "ok", value: { version: 2, local: true }, length };
  const header = bytes.subarray(0, length);
  const fields = decodeFields(header, FIXED + addresses);
  if (typeof fields === "string") return bad(fields);
  const value: ProxyHeader = { version: 2, local: false, ...fields };
  if (family !== UNSPECIFIED) {
    const [source, destination] = decodeAddresses(header, family!);
    if (source === undefined || destination === undefined) return bad("a path is not UTF-8");
    Object.assign(value, { source, destination });
  }
  return { kind: "ok", value, length };
}

function decodeAddresses(bytes: Uint8Array, family: number): (ProxyAddress | undefined)[] {
  if (family === UNIX) return [decodePath(bytes, FIXED), decodePath(bytes, FIXED + PATH)];
  const size = family === TCP4 ? 4 : 16;
  return [0, 1].map((i) => {
    const port = FIXED + 2 * size + 2 * i;
    return { ip: formatIp(decodeIp(bytes, FIXED + i * size, size)), port: bytes[port]! * 256 + bytes[port + 1]! };
  });
}

/** Up to the first NUL; an abstract name, which begins with one, is told as no path. */
function decodePath(bytes: Uint8Array, start: number): ProxyAddress | undefined {
  const field = bytes.subarray(start, start + PATH);
  const zero = field.indexOf(0);
  const path = decodeUtf8(zero === -1 ? field : field.subarray(0, zero));
  return path === undefined ? undefined : { path };
}

/**
 * The bytes of a header with the command PROXY. Addresses of two kinds cannot be told together and are left out. Undefined
 * where the fields do not fit into the 65,535 bytes that a header may have.
 */
export function encodeV2(source: ProxyAddress, destination: ProxyAddress, fields: ProxyFields): Uint8Array | undefined {
  const { family, addresses } = encodeAddresses(source, destination);
  const more = encodeFields(fields);
  if (more === undefined) return undefined;
  const length = addresses.length + more.length;
  if (length > LONGEST) return undefined;
  return Buffer.concat([V2_SIGNATURE, Uint8Array.of(PROXY, family, length >> 8, length & 255), addresses, more]);
}

function encodeAddresses(source: ProxyAddress, destination: ProxyAddress): { family: number; addresses: Uint8Array } {
  if ("path" in source && "path" in destination) {
    const addresses = Buffer.alloc(2 * PATH);
    Buffer.from(source.path).copy(addresses, 0, 0, PATH);
    Buffer.from(destination.path).copy(addresses, PATH, 0, PATH);
    return { family: UNIX, addresses };
  }
  const ips = "ip" in source && "ip" in destination ? [parseIp(source.ip), parseIp(destination.ip)] : [];
  const [from, to] = ips;
  if (from === undefined || to === undefined || !("ip" in source && "ip" in destination)) {
    return { family: UNSPECIFIED, addresses: new Uint8Array(0) };
  }
  const family = from.family === 4 && to.family === 4 ? TCP4 : TCP6;
  const words = [from, to].flatMap((ip) => (family === TCP4 ? [ip.d] : wordsOf(ip)));
  const addresses = Buffer.alloc(4 * words.length + 4);
  for (const [i, word] of words.entries()) addresses.writeUInt32BE(word, 4 * i);
  addresses.writeUInt16BE(source.port, 4 * words.length);
  addresses.writeUInt16BE(destination.port, 4 * words.length + 2);
  return { family, addresses };
}

/** An IPv4 address is held in its mapped form, which is how it stands among IPv6 ones. */
function wordsOf({ a, b, c, d }: Ip): number[] {
  return [a, b, c, d];
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}

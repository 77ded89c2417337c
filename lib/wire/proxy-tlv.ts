/** What a PROXY v2 header says beside addresses: its type-length-value fields (proxy-protocol.txt 2.2). Addresses are in proxy-v2.ts. */
import { crc32c } from "./crc32c.ts";
import { decodeUtf8 } from "./utf8.ts";

const TYPE = { protocolId: 0x01, authority: 0x02, crc32c: 0x03, uniqueId: 0x05, tls: 0x20 } as const;
const TLS_TYPE = { version: 0x21, commonName: 0x22, certificate: 0x28 } as const;
/** Bits of the first byte of the TLS field. */
const TLS_FLAG = { active: 0x01, onConnection: 0x02, inSession: 0x04 } as const;

const LONGEST_UNIQUE_ID = 128;

/** What the proxy says of the client's TLS connection to it. */
interface ProxyTls {
  /** Whether there was TLS at all. */
  active: boolean;
  /** Whether the client gave a certificate on this connection, and whether it did in this TLS session. */
  onConnection: boolean;
  inSession: boolean;
  /** Whether the proxy found the certificate good; true as well where there is none. */
  verified: boolean;
  version?: string;
  commonName?: string;
  /** The client's certificate in DER. */
  certificate?: Uint8Array;
}

export interface ProxyFields {
  /** The negotiated protocol id (ALPN). */
  protocolId?: string;
  /** The server name that the client asked for. */
  authority?: string;
  uniqueId?: Uint8Array;
  tls?: ProxyTls;
}

/** `type` and the place of a value in the header. */
interface Field {
  type: number;
  start: number;
  end: number;
}

/**
 * The fields from `start` to the end of `header`, which is whole; text says what is wrong. Unknown types are skipped. A
 * field that counts and is given twice is refused, since two readers could believe different ones.
 */
export function decodeFields(header: Uint8Array, start: number): ProxyFields | string {
  const all = splitFields(header, start, header.length);
  if (typeof all === "string") return all;
  const fields: ProxyFields = {};
  for (const { type, start: from, end } of all) {
    const value = header.subarray(from, end);
    if (type === TYPE.protocolId) fields.protocolId = Buffer.from(value).toString("latin1");
    else if (type === TYPE.authority) {
      const authority = decodeUtf8(value);
      if (authority === undefined) return "the authority is not UTF-8";
      fields.authority = authority;
    } else if (type === TYPE.crc32c) {
      if (value.length !== 4) return "the checksum is not of four bytes";
      if (readUint32(value, 0) !== crc32c(header, from)) return "the checksum is wrong";
    } else if (type === TYPE.uniqueId) {
      if (value.length > LONGEST_UNIQUE_ID) return "the unique id is longer than 128 bytes";
      fields.uniqueId = new Uint8Array(value);
    } else if (type === TYPE.tls) {
      const tls = decodeTls(header, from, end);
      if (typeof tls === "string") return tls;
      fields.tls = tls;
    }
  }
  return fields;
}

function decodeTls(header: Uint8Array, start: number, end: number): ProxyTls | string {
  if (end - start < 5) return "the TLS field is shorter than five bytes";
  const all = splitFields(header, start + 5, end);
  if (typeof all === "string") return all;
  const flags = header[start]!;
  const tls: ProxyTls = {
    active: (flags & TLS_FLAG.active) !== 0,
    onConnection: (flags & TLS_FLAG.onConnection) !== 0,
    inSession: (flags & TLS_FLAG.inSession) !== 0,
    verified: readUint32(header, start + 1) === 0,
  };
  for (const { type, start: from, end: to } of all) {
    const value = header.subarray(from, to);
    if (type === TLS_TYPE.certificate) tls.certificate = new Uint8Array(value);
    else if (type === TLS_TYPE.version || type === TLS_TYPE.commonName) {
      const text = decodeUtf8(value);
      if (text === undefined) return "a text of the TLS field is not UTF-8";
      tls[type === TLS_TYPE.version ? "version" : "commonName"] = text;
    }
  }
  return tls;
}

const SINGLE = new Set<number>([...Object.values(TYPE), ...Object.values(TLS_TYPE)]);

function splitFields(bytes: Uint8Array, start: number, end: number): Field[] | string {
  const fields: Field[] = [];
  for (let at = start; at < end;) {
    if (end - at < 3) return "a field is cut short";
    const from = at + 3;
    const type = bytes[at]!;
    const to = from + bytes[at + 1]! * 256 + bytes[at + 2]!;
    if (to > end) return "a field is longer than what holds it";
    if (SINGLE.has(type) && fields.some((field) => field.type === type)) return `the field ${type} is given twice`;
    fields.push({ type, start: from, end: to });
    at = to;
  }
  return fields;
}

function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** The bytes of `fields`, in the order of their types, or undefined where one is too long for its length. */
export function encodeFields({ protocolId, authority, uniqueId, tls }: ProxyFields): Uint8Array | undefined {
  return join([
    protocolId !== undefined && encodeField(TYPE.protocolId, Buffer.from(protocolId, "latin1")),
    authority !== undefined && encodeField(TYPE.authority, Buffer.from(authority)),
    uniqueId !== undefined && encodeField(TYPE.uniqueId, uniqueId),
    tls !== undefined && encodeField(TYPE.tls, encodeTls(tls)),
  ]);
}

function encodeTls(tls: ProxyTls): Uint8Array | undefined {
  const { version, commonName, certificate } = tls;
  const flags = (["active", "onConnection", "inSession"] as const).reduce(
    (sum, name) => sum | (tls[name] ? TLS_FLAG[name] : 0),
    0,
  );
  return join([
    Uint8Array.of(flags, 0, 0, 0, tls.verified ? 0 : 1),
    version !== undefined && encodeField(TLS_TYPE.version, Buffer.from(version)),
    commonName !== undefined && encodeField(TLS_TYPE.commonName, Buffer.from(commonName)),
    certificate !== undefined && encodeField(TLS_TYPE.certificate, certificate),
  ]);
}

function encodeField(type: number, value: Uint8Array | undefined): Uint8Array | undefined {
  if (value === undefined || value.length > 0xffff) return undefined;
  return Buffer.concat([Uint8Array.of(type, value.length >> 8, value.length & 255), value]);
}

/** Those that are there, as one; undefined where one could not be encoded. */
function join(parts: (Uint8Array | undefined | false)[]): Uint8Array | undefined {
  const present = parts.filter((part) => part !== false);
  return present.every((part) => part !== undefined) ? Buffer.concat(present) : undefined;
}

/** The head of an HTTP/1 CONNECT request (RFC 9110 section 9.3.6, RFC 9112). Other requests are for node:http, not for this. */
import { bad, MORE, type Decoded } from "./decode.ts";
import { decodeUtf8 } from "./utf8.ts";

export interface ConnectHead {
  /** As sent, brackets included. */
  host: string;
  /** 443 where the client named none. */
  port: number;
  version: "1.0" | "1.1";
  /** Field lines in order, names in lower case, values trimmed. */
  headers: readonly (readonly [name: string, value: string])[];
}

const LF = 10;
const LINE = /^CONNECT ([^\s]+) HTTP\/1\.([01])$/;
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/;
/** Controls but TAB; a CR within a line among them. */
// eslint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;
const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[^\s:@/?#[\]]+)(?::([0-9]{1,5}))?$/;

/**
 * Decodes up to the empty line. Strict where laxness lets two parties read two requests: one Host at most and exactly
 * one in HTTP/1.1, no folded lines, no bare CR, no content announced (it would be the first bytes of the tunnel).
 */
export function decodeConnect(bytes: Uint8Array): Decoded<ConnectHead> {
  const length = findHeadEnd(bytes, 0);
  if (length === 0) return MORE;
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, length)
    .toString("latin1")
    .replace(/\r?\n\r?\n$/, "")
    .split(/\r?\n/);
  const [, target, minor] = LINE.exec(lines[0]!) ?? [];
  if (target === undefined) return bad("the request line is not CONNECT host:port HTTP/1.1");
  const authority = decodeUtf8(Buffer.from(target, "latin1"));
  if (authority === undefined) return bad("the target of CONNECT is not UTF-8");
  const [, host, digits] = AUTHORITY.exec(authority) ?? [];
  const port = digits === undefined ? 443 : Number(digits);
  if (host === undefined || port > 65_535) return bad("the target of CONNECT is host:port");
  const headers: [string, string][] = [];
  for (const line of lines.slice(1)) {
    const [, name, value] = FIELD.exec(line) ?? [];
    if (name === undefined || value === undefined || CONTROL.test(line)) return bad("a header line is malformed");
    headers.push([name.toLowerCase(), value]);
  }
  const version = minor === "1" ? "1.1" : "1.0";
  const fault = headerFault(headers, version);
  return fault === undefined ? { kind: "ok", value: { host, port, version, headers }, length } : bad(fault);
}

function headerFault(headers: readonly (readonly [string, string])[], version: string): string | undefined {
  const count = (name: string) => headers.filter(([given]) => given === name).length;
  if (count("host") > 1) return "Host is given twice";
  if (version === "1.1" && count("host") === 0) return "Host is missing";
  if (count("transfer-encoding") > 0) return "CONNECT has no content";
  if (headers.some(([name, value]) => name === "content-length" && value !== "0")) return "CONNECT has no content";
  if (count("proxy-authorization") > 1) return "Proxy-Authorization is given twice";
  return undefined;
}

/**
 * Bytes up to and with the empty line; 0 while it has not come. A lone LF ends a line too (RFC 9112 section 2.2).
 * `from` is where to begin: three bytes before what was looked at already.
 */
export function findHeadEnd(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(LF, from); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2;
    if (bytes[at + 1] === 13 && bytes[at + 2] === LF) return at + 3;
  }
  return 0;
}

/** `user:password` of a Basic credential (RFC 7617), or undefined for another scheme or bad syntax. */
export function decodeBasic(value: string): { user: string; password: Uint8Array } | undefined {
  const [, base64] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(value) ?? [];
  if (base64 === undefined) return undefined;
  const bytes = Buffer.from(base64, "base64");
  const colon = bytes.indexOf(":");
  if (colon < 1) return undefined;
  return { user: bytes.toString("utf8", 0, colon), password: Uint8Array.from(bytes.subarray(colon + 1)) };
}

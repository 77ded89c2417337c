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
const CR = 13;
const METHOD = "CONNECT ";
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Controls but TAB; a CR within a line among them. */
// eslint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;
const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[^\s:@/?#[\]]+)(?::([0-9]{1,5}))?$/;

/**
 * Decodes up to the empty line, of which the caller may know the end. Strict where laxness lets two parties read two
 * requests: one Host at most and exactly one in HTTP/1.1, no folded lines, no bare CR, no content announced (it would be
 * the first bytes of the tunnel). Written by hand: every tunnel of a browser comes through here.
 */
export function decodeConnect(bytes: Uint8Array, length = findHeadEnd(bytes, 0)): Decoded<ConnectHead> {
  if (length === 0) return MORE;
  const text = Buffer.prototype.toString.call(bytes, "latin1", 0, length);
  const first = lineEnd(text, 0);
  const version = versionOf(text, first);
  if (version === undefined) return bad("the request line is not CONNECT host:port HTTP/1.1");
  const authority = textOf(text.slice(METHOD.length, first - " HTTP/1.x".length));
  if (authority === undefined) return bad("the target of CONNECT is not UTF-8");
  const [, host, digits] = AUTHORITY.exec(authority) ?? [];
  const port = digits === undefined ? 443 : Number(digits);
  if (host === undefined || port > 65_535) return bad("the target of CONNECT is host:port");
  const headers: [string, string][] = [];
  let hosts = 0;
  let credentials = 0;
  for (let at = nextLine(text, first); ;) {
    const end = lineEnd(text, at);
    if (end === at) break;
    const line = text.slice(at, end);
    at = nextLine(text, end);
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    const value = trimBlanks(line, colon + 1);
    if (!TOKEN.test(name) || CONTROL.test(line)) return bad("a header line is malformed");
    if (name === "host") hosts++;
    else if (name === "proxy-authorization") credentials++;
    else if (name === "transfer-encoding" || (name === "content-length" && value !== "0")) {
      return bad("CONNECT has no content");
    }
    headers.push([name, value]);
  }
  if (hosts > 1) return bad("Host is given twice");
  if (version === "1.1" && hosts === 0) return bad("Host is missing");
  if (credentials > 1) return bad("Proxy-Authorization is given twice");
  return { kind: "ok", value: { host, port, version, headers }, length };
}

/** Where the line from `at` ends: at its LF, or at the CR before it. */
function lineEnd(text: string, at: number): number {
  const lf = text.indexOf("\n", at);
  return lf > at && text.charCodeAt(lf - 1) === CR ? lf - 1 : lf;
}

/** Where the line behind the one that ends at `end` begins. */
function nextLine(text: string, end: number): number {
  return text.charCodeAt(end) === CR ? end + 2 : end + 1;
}

function versionOf(text: string, end: number): "1.0" | "1.1" | undefined {
  if (!text.startsWith(METHOD)) return undefined;
  if (text.startsWith(" HTTP/1.1", end - 9)) return "1.1";
  return text.startsWith(" HTTP/1.0", end - 9) ? "1.0" : undefined;
}

/** UTF-8 that was read as Latin-1; nearly always ASCII. */
function textOf(latin1: string): string | undefined {
  // eslint-disable-next-line no-control-regex
  return /^[\x00-\x7f]*$/.test(latin1) ? latin1 : decodeUtf8(Buffer.from(latin1, "latin1"));
}

/** From `start` on, without blanks and tabs at the ends (RFC 9110 section 5.5); no other white space is meant. */
function trimBlanks(line: string, start: number): string {
  const blank = (at: number) => line.charCodeAt(at) === 0x20 || line.charCodeAt(at) === 0x09;
  let end = line.length;
  while (start < end && blank(start)) start++;
  while (end > start && blank(end - 1)) end--;
  return line.slice(start, end);
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
  const user = decodeUtf8(bytes.subarray(0, colon));
  if (user === undefined) return undefined;
  return { user, password: Uint8Array.from(bytes.subarray(colon + 1)) };
}

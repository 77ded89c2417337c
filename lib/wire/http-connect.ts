/** The head of an HTTP/1 CONNECT request (RFC 9110 section 9.3.6, RFC 9112). Other requests are for node:http, not for this. */
import { bad, MORE, type Decoded } from "./decode.ts";
import { decodeUtf8 } from "./utf8.ts";

export interface ConnectHead {
  /** As sent, brackets included. */
  host: string;
  /** 443 where the client named none. */
  port: number;
  version: "1.0" | "1.1";
  /** Where the field lines begin, for `decodeFields`: nobody may ask for them. */
  fieldsAt: number;
}

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const ZERO = 0x30;
const COLON = 0x3a;

const METHOD = "CONNECT ";
const VERSION = " HTTP/1.";
const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[^\s:@/?#[\]]+)(?::([0-9]{1,5}))?$/;

const ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** Of a token (RFC 9110 section 5.6.2). */
const IN_TOKEN = among(`${ALPHANUMERIC}!#$%&'*+-.^_\`|~`);
/** Of a host that needs no second look. */
const IN_PLAIN_HOST = among(`${ALPHANUMERIC}-._`);

function among(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}

/**
 * Decodes up to the empty line, of which the caller may know the end. Strict where laxness lets two parties read two
 * requests: one Host at most and exactly one in HTTP/1.1, no folded lines, no bare CR, no content announced (it would be
 * the first bytes of the tunnel). Written by hand on the bytes: every tunnel of a browser comes through here.
 */
export function decodeConnect(bytes: Uint8Array, length = findHeadEnd(bytes, 0)): Decoded<ConnectHead> {
  if (length === 0) return MORE;
  const first = lineEnd(bytes, 0);
  const version = startsWith(bytes, 0, METHOD) ? versionOf(bytes, first) : undefined;
  if (version === undefined) return bad("the request line is not CONNECT host:port HTTP/1.1");
  const target = decodeAuthority(bytes, METHOD.length, first - VERSION.length - 1);
  if (typeof target === "string") return bad(target);
  const fieldsAt = nextLine(bytes, first);
  const trouble = troubleOfFields(bytes, fieldsAt, version);
  if (trouble !== undefined) return bad(trouble);
  const { host, port } = target;
  return { kind: "ok", value: { host, port, version, fieldsAt }, length };
}

function versionOf(bytes: Uint8Array, end: number): "1.0" | "1.1" | undefined {
  if (!startsWith(bytes, end - VERSION.length - 1, VERSION)) return undefined;
  const minor = bytes[end - 1];
  return minor === ZERO + 1 ? "1.1" : minor === ZERO ? "1.0" : undefined;
}

/** The host and the port, `otherwise` where none is named; or what is wrong with them. */
export function decodeAuthority(
  bytes: Uint8Array,
  from: number,
  to: number,
  otherwise = 443,
): { host: string; port: number } | string {
  let end = from;
  while (end < to && IN_PLAIN_HOST[bytes[end]!] === 1) end++;
  const digits = to - end - 1;
  if (end > from && bytes[end] === COLON && digits > 0 && digits < 5) {
    let port = 0;
    let at = end + 1;
    for (; at < to; at++) {
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      port = 10 * port + digit;
    }
    if (at === to) return { host: latin1(bytes, from, end), port };
  }
  return decodeRareAuthority(bytes.subarray(from, Math.max(from, to)), otherwise);
}

/** Brackets, names that are not ASCII, no port, a port of five digits, and mistakes. */
function decodeRareAuthority(bytes: Uint8Array, otherwise: number): { host: string; port: number } | string {
  const authority = decodeUtf8(bytes);
  if (authority === undefined) return "the target of CONNECT is not UTF-8";
  const [, host, digits] = AUTHORITY.exec(authority) ?? [];
  const port = digits === undefined ? otherwise : Number(digits);
  return host === undefined || port > 65_535 ? "the target of CONNECT is host:port" : { host, port };
}

/** What is wrong with the field lines from `at` up to the empty one. */
function troubleOfFields(bytes: Uint8Array, at: number, version: "1.0" | "1.1"): string | undefined {
  let hosts = 0;
  let credentials = 0;
  for (let end = lineEnd(bytes, at); end > at; end = lineEnd(bytes, at)) {
    let colon = at;
    while (IN_TOKEN[bytes[colon]!] === 1) colon++;
    if (colon === at || bytes[colon] !== COLON || hasControl(bytes, colon + 1, end))
      return "a header line is malformed";
    if (isNamed(bytes, at, colon, "host")) hosts++;
    else if (isNamed(bytes, at, colon, "proxy-authorization")) credentials++;
    else if (
      isNamed(bytes, at, colon, "transfer-encoding") ||
      (isNamed(bytes, at, colon, "content-length") && trimmed(bytes, colon + 1, end) !== "0")
    ) {
      return "CONNECT has no content";
    }
    at = nextLine(bytes, end);
  }
  if (hosts > 1) return "Host is given twice";
  if (version === "1.1" && hosts === 0) return "Host is missing";
  return credentials > 1 ? "Proxy-Authorization is given twice" : undefined;
}

/** Field lines of a decoded head, from `at` up to the empty one: in order, names in lower case, values trimmed. */
export function decodeFields(bytes: Uint8Array, at: number): [name: string, value: string][] {
  const fields: [string, string][] = [];
  for (let end = lineEnd(bytes, at); end > at; end = lineEnd(bytes, at)) {
    const colon = bytes.indexOf(COLON, at);
    fields.push([latin1(bytes, at, colon).toLowerCase(), trimmed(bytes, colon + 1, end)]);
    at = nextLine(bytes, end);
  }
  return fields;
}

/** Where the line from `at` ends: at its LF, or at the CR before it. */
function lineEnd(bytes: Uint8Array, at: number): number {
  let end = at;
  while (bytes[end] !== LF) end++;
  return end > at && bytes[end - 1] === CR ? end - 1 : end;
}

/** Where the line behind the one that ends at `end` begins. */
function nextLine(bytes: Uint8Array, end: number): number {
  return bytes[end] === CR ? end + 2 : end + 1;
}

/** Whether there is a control but TAB; a CR within a line is one. */
function hasControl(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if ((byte < SPACE && byte !== TAB) || byte === 0x7f) return true;
  }
  return false;
}

/** Whether a token is `name`, which is lower case letters and hyphens. */
function isNamed(bytes: Uint8Array, from: number, to: number, name: string): boolean {
  if (to - from !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[from + i]!;
    const lower = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
    if (lower !== name.charCodeAt(i)) return false;
  }
  return true;
}

function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  if (at < 0) return false;
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Without blanks and tabs at the ends (RFC 9110 section 5.5); no other white space is meant. */
function trimmed(bytes: Uint8Array, from: number, to: number): string {
  const isBlank = (at: number) => bytes[at] === SPACE || bytes[at] === TAB;
  while (from < to && isBlank(from)) from++;
  while (to > from && isBlank(to - 1)) to--;
  return latin1(bytes, from, to);
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.prototype.latin1Slice.call(bytes, from, to);
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

/** A request of HTTP/2, from its decoded fields (RFC 9113 section 8.3, RFC 8441). Strict; decides and connects nothing. */
import type { HeaderField } from "../wire/hpack.ts";
import { decodeAuthority } from "../wire/http-connect.ts";

export interface Http2Request {
  method: string;
  /** Of extended CONNECT. */
  protocol: string | undefined;
  /** Absent from CONNECT, as is the path. */
  scheme: string | undefined;
  path: string | undefined;
  authority: string;
  /** Those that are no pseudo-fields, in order. */
  fields: HeaderField[];
}

const PSEUDO = new Set([":method", ":protocol", ":scheme", ":path", ":authority"]);
/** Of HTTP/1 connections: in HTTP/2 they make a request malformed (section 8.2.2). */
const CONNECTION = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);
/** Of which two would be two requests to two readers. */
const ONCE = new Set(["host", "content-length", "proxy-authorization"]);
/** Lower case alone (section 8.2.1). */
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

/** What is wrong with it, as text, if it is malformed. `ended`: it has no content. */
export function parseHttp2Request(given: readonly HeaderField[], ended: boolean): Http2Request | string {
  const pseudo = new Map<string, string>();
  const fields: HeaderField[] = [];
  const seen = new Set<string>();
  for (const [name, value] of given) {
    const wrong = wrongField(name, value);
    if (wrong !== undefined) return wrong;
    if (name.startsWith(":")) {
      if (!PSEUDO.has(name)) return "a pseudo-field that requests do not have";
      if (fields.length > 0) return "a pseudo-field behind others";
      if (pseudo.has(name)) return `${name} is given twice`;
      pseudo.set(name, value);
      continue;
    }
    if (ONCE.has(name) && seen.has(name)) return `${name} is given twice`;
    seen.add(name);
    fields.push([name, value]);
  }
  const length = valueOf(fields, "content-length");
  if (length !== undefined && !/^[0-9]{1,15}$/.test(length)) return "content-length is no number";
  // Section 8.1.1.
  if (ended && Number(length ?? 0) > 0) return "content-length without content";
  return whole(pseudo, fields);
}

function whole(pseudo: Map<string, string>, fields: HeaderField[]): Http2Request | string {
  const method = pseudo.get(":method");
  const protocol = pseudo.get(":protocol");
  const scheme = pseudo.get(":scheme");
  const path = pseudo.get(":path");
  const authority = pseudo.get(":authority") ?? (method === "CONNECT" ? undefined : valueOf(fields, "host"));
  if (method === undefined || method === "") return ":method is missing";
  if (protocol !== undefined && method !== "CONNECT") return ":protocol belongs to CONNECT";
  if (method === "CONNECT" && protocol === undefined) {
    if (scheme !== undefined || path !== undefined) return "CONNECT has neither :scheme nor :path";
    if ((valueOf(fields, "content-length") ?? "0") !== "0") return "CONNECT has no content";
  } else if (scheme === undefined || path === undefined || path === "") return ":scheme or :path is missing";
  if (authority === undefined || authority === "") return ":authority is missing";
  return { method, protocol, scheme, path, authority, fields };
}

export function valueOf(fields: readonly HeaderField[], name: string): string | undefined {
  return fields.find(([known]) => known === name)?.[1];
}

/** The host as sent and the port, `otherwise` where none is named; or what is wrong with it. */
export function splitAuthority(authority: string, otherwise: number): { host: string; port: number } | string {
  const bytes = Buffer.from(authority, "latin1");
  return decodeAuthority(bytes, 0, bytes.length, otherwise);
}

/** What is wrong with a field of a request or an answer by itself, if anything. */
export function wrongField(name: string, value: string): string | undefined {
  if (!isFieldValue(value)) return "a field value has control characters or blanks around it";
  if (name.startsWith(":")) return undefined;
  if (!isFieldName(name)) return "a field name is malformed";
  if (CONNECTION.has(name) || (name === "te" && value !== "trailers")) return "a field of HTTP/1 connections";
  return undefined;
}

export function isFieldName(name: string): boolean {
  return NAME.test(name);
}

/** Section 8.2.1; a control but TAB is worth no more. Each character stands for one byte. */
export function isFieldValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f || code > 0xff) return false;
  }
  return !isBlank(value.charCodeAt(0)) && !isBlank(value.charCodeAt(value.length - 1));
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

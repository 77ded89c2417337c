/** The canonical request of AWS Signature Version 4, as S3 has it: paths are neither normalised nor encoded twice. Signs nothing. */
import type { Field } from "./http-forward.ts";

/** A request as it is on the wire: strings of which each character is a byte, as node:http gives them. */
export interface RequestHead {
  method: string;
  /** Without query; never normalised. */
  path: string;
  /** Without question mark. */
  query: string;
  headers: readonly Field[];
}

/** A parameter as it is on the wire; `value` is empty without `=`. */
export interface Parameter {
  name: string;
  value: string;
}

const HEX = "0123456789ABCDEF";
/** What stays as it is (RFC 3986 section 2.3), by byte. */
const ENCODED = Array.from({ length: 256 }, (_, byte) =>
  /[A-Za-z0-9._~-]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${HEX[byte >> 4]}${HEX[byte & 15]}`,
);

/** Percent-encodes all but unreserved characters. */
export function encodeUri(text: string): string {
  let encoded = "";
  for (let i = 0; i < text.length; i++) encoded += ENCODED[text.charCodeAt(i)] ?? fail();
  return encoded;
}

function fail(): never {
  throw new TypeError("a character that is no byte");
}

/** Undoes percent-encoding once, to a string of bytes; what is no valid escape stands for itself. */
export function decodeUri(text: string): string {
  return text.includes("%")
    ? text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
    : text;
}

/** The path as the storage sees it, decoded once and encoded once; `/` where it is empty. */
export function canonicalPath(path: string): string {
  return path === "" ? "/" : encodeUri(decodeUri(path)).replaceAll("%2F", "/");
}

export function parseQuery(query: string): Parameter[] {
  return query
    .split("&")
    .filter((part) => part !== "")
    .map((part) => {
      const equals = part.indexOf("=");
      return equals === -1 ? { name: part, value: "" } : { name: part.slice(0, equals), value: part.slice(equals + 1) };
    });
}

/** A name or value of a query, decoded: `+` is a space (as forms have it, and as S3 reads it). */
export function decodeParameter(text: string): string {
  return decodeUri(text.replaceAll("+", " "));
}

/** A parameter decoded once and encoded once. */
export function canonicalParameter({ name, value }: Parameter): Parameter {
  return { name: encodeUri(decodeParameter(name)), value: encodeUri(decodeParameter(value)) };
}

/** Sorted by name, then by value, byte by byte. */
export function sortedQuery(parameters: readonly Parameter[]): string {
  return parameters
    .toSorted((a, b) => order(a.name, b.name) || order(a.value, b.value))
    .map(({ name, value }) => `${name}=${value}`)
    .join("&");
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Values by name in lower case: blanks at the ends removed and within made one, several joined with commas. */
export function canonicalHeaders(headers: readonly Field[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    const before = values.get(lower);
    const trimmed = value.replace(/[ \t]+/g, " ").replace(/^ | $/g, "");
    values.set(lower, before === undefined ? trimmed : `${before},${trimmed}`);
  }
  return values;
}

/** `signedHeaders` are names in lower case, sorted; one that `headers` lacks has an empty value. */
export function canonicalRequest(
  method: string,
  path: string,
  query: string,
  headers: ReadonlyMap<string, string>,
  signedHeaders: readonly string[],
  payload: string,
): string {
  const lines = signedHeaders.map((name) => `${name}:${headers.get(name) ?? ""}\n`);
  return `${method}\n${path}\n${query}\n${lines.join("")}\n${signedHeaders.join(";")}\n${payload}`;
}

/** `pkcs11:` URIs (RFC 7512): text to attributes and back. Finds no object, and reads no PIN. */
import { decodeUtf8 } from "./utf8.ts";

/** Attributes of the path whose value is text, and their names here. */
const TEXTS = {
  "library-manufacturer": "libraryManufacturer",
  "library-description": "libraryDescription",
  "slot-manufacturer": "slotManufacturer",
  "slot-description": "slotDescription",
  model: "model",
  manufacturer: "manufacturer",
  serial: "serial",
  token: "token",
  object: "object",
} as const;

/** Of the query. */
const QUERY_TEXTS = {
  "pin-source": "pinSource",
  "module-name": "moduleName",
  "module-path": "modulePath",
} as const;

const OBJECT_TYPES = ["public", "private", "cert", "secret-key", "data"] as const;
export type ObjectType = (typeof OBJECT_TYPES)[number];

type Texts = Partial<
  Record<(typeof TEXTS)[keyof typeof TEXTS] | (typeof QUERY_TEXTS)[keyof typeof QUERY_TEXTS], string>
>;

/** An attribute that is not there matches everything. */
export interface Pkcs11Uri extends Texts {
  readonly libraryVersion?: { readonly major: number; readonly minor: number };
  readonly slotId?: number;
  readonly type?: ObjectType;
  /** CKA_ID. */
  readonly id?: Uint8Array;
  /** Whether a PIN stands in the URI itself; it is not kept. */
  readonly pinValue?: true;
  /** Names of attributes that RFC 7512 does not have. */
  readonly vendor?: readonly string[];
}

export type Pkcs11UriResult =
  { readonly kind: "ok"; readonly value: Pkcs11Uri } | { readonly kind: "bad"; readonly reason: string };

const SCHEME = "pkcs11:";
/** What may stand for itself (section 2.3), beside `%XX`: in the path `&` too, in the query `/`, `?` and `|`. */
const PATH_VALUE = /^(?:[A-Za-z0-9\-._~:[\]@!$'()*+,=&]|%[0-9A-Fa-f]{2})*$/;
const QUERY_VALUE = /^(?:[A-Za-z0-9\-._~:[\]@!$'()*+,=/?|]|%[0-9A-Fa-f]{2})*$/;
const NAME = /^[A-Za-z0-9_-]+$/;
const VERSION = /^(\d{1,3})(?:\.(\d{1,3}))?$/;

/** Whether `text` is meant to be one. Schemes are told without regard to case (RFC 3986 section 3.1). */
export function isPkcs11Uri(text: string): boolean {
  return text.slice(0, SCHEME.length).toLowerCase() === SCHEME;
}

/** `reason` completes a sentence that begins with the URI, and quotes no value of it. */
export function parsePkcs11Uri(text: string): Pkcs11UriResult {
  if (!isPkcs11Uri(text)) return bad(`does not begin with ${SCHEME}`);
  const rest = text.slice(SCHEME.length);
  const question = rest.indexOf("?");
  const [path, query] = question === -1 ? [rest, ""] : [rest.slice(0, question), rest.slice(question + 1)];
  const uri: Mutable<Pkcs11Uri> = {};
  const reason =
    readAttributes(path, ";", PATH_VALUE, (name, raw) => setPath(uri, name, raw)) ??
    readAttributes(query, "&", QUERY_VALUE, (name, raw) => setQuery(uri, name, raw));
  return reason === undefined ? { kind: "ok", value: uri } : bad(reason);
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const bad = (reason: string): Pkcs11UriResult => ({ kind: "bad", reason });

/** Why one of them cannot be read. */
function readAttributes(
  text: string,
  separator: string,
  allowed: RegExp,
  set: (name: string, raw: string) => string | undefined,
): string | undefined {
  if (text === "") return undefined;
  const seen = new Set<string>();
  for (const attribute of text.split(separator)) {
    const equals = attribute.indexOf("=");
    const name = attribute.slice(0, Math.max(equals, 0));
    if (!NAME.test(name)) return "has something in it that is not NAME=VALUE";
    const raw = attribute.slice(equals + 1);
    if (seen.has(name)) return `has ${name} twice`;
    seen.add(name);
    if (!allowed.test(raw)) return `has a character in ${name} that must be written as %XX`;
    const reason = set(name, raw);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function setPath(uri: Mutable<Pkcs11Uri>, name: string, raw: string): string | undefined {
  const bytes = unescape(raw);
  if (Object.hasOwn(TEXTS, name)) return setText(uri, TEXTS[name as keyof typeof TEXTS], name, bytes);
  if (name === "id") {
    uri.id = bytes;
  } else if (name === "type") {
    const found = OBJECT_TYPES.find((type) => type === raw);
    if (found === undefined) return `has a type other than ${OBJECT_TYPES.join(", ")}`;
    uri.type = found;
  } else if (name === "slot-id") {
    if (!/^\d{1,15}$/.test(raw)) return "has a slot-id that is no number";
    uri.slotId = Number(raw);
  } else if (name === "library-version") {
    const [, major, minor = "0"] = VERSION.exec(raw) ?? [];
    if (major === undefined) return "has a library-version that is not like 1.23";
    uri.libraryVersion = { major: Number(major), minor: Number(minor) };
  } else if (Object.hasOwn(QUERY_TEXTS, name) || name === "pin-value") {
    return `has ${name} before the ?, where it means nothing`;
  } else uri.vendor = [...(uri.vendor ?? []), name];
  return undefined;
}

function setQuery(uri: Mutable<Pkcs11Uri>, name: string, raw: string): string | undefined {
  const bytes = unescape(raw);
  if (Object.hasOwn(QUERY_TEXTS, name)) return setText(uri, QUERY_TEXTS[name as keyof typeof QUERY_TEXTS], name, bytes);
  if (name === "pin-value") uri.pinValue = true;
  else uri.vendor = [...(uri.vendor ?? []), name];
  return undefined;
}

function setText(uri: Mutable<Texts>, field: keyof Texts, name: string, bytes: Uint8Array): string | undefined {
  const text = decodeUtf8(bytes);
  if (text === undefined || text.includes("\0")) return `has a value of ${name} that is no text`;
  uri[field] = text;
  return undefined;
}

/** `raw` has only ASCII, and whole escapes. */
function unescape(raw: string): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < raw.length; at++) {
    if (raw[at] !== "%") bytes.push(raw.charCodeAt(at));
    else {
      bytes.push(Number.parseInt(raw.slice(at + 1, at + 3), 16));
      at += 2;
    }
  }
  return Uint8Array.from(bytes);
}

/**
 * The URI, with its attributes in the order of p11-kit and GnuTLS. An id is written in escapes throughout, as section 2.3
 * recommends; a PIN and what others have added are left out.
 */
export function formatPkcs11Uri(uri: Pkcs11Uri): string {
  const { libraryVersion, slotId, id, object, type } = uri;
  const { object: _last, ...ofToken } = TEXTS;
  const path = Object.entries(ofToken).flatMap(([name, field]) => textAttribute(name, uri[field], "&"));
  if (libraryVersion) path.push(`library-version=${libraryVersion.major}.${libraryVersion.minor}`);
  if (slotId !== undefined) path.push(`slot-id=${slotId}`);
  if (id) path.push(`id=${[...id].map(escapeByte).join("")}`);
  path.push(...textAttribute("object", object, "&"));
  if (type) path.push(`type=${type}`);
  const query = Object.entries(QUERY_TEXTS).flatMap(([name, field]) => textAttribute(name, uri[field], "/?|"));
  return `${SCHEME}${path.join(";")}${query.length === 0 ? "" : `?${query.join("&")}`}`;
}

function textAttribute(name: string, value: string | undefined, more: string): string[] {
  if (value === undefined) return [];
  const plain = `-._~:[]@!$'()*+,=${more}`;
  const escaped = [...new TextEncoder().encode(value)].map((byte) => {
    const character = String.fromCharCode(byte);
    return /^[A-Za-z0-9]$/.test(character) || plain.includes(character) ? character : escapeByte(byte);
  });
  return [`${name}=${escaped.join("")}`];
}

const escapeByte = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;

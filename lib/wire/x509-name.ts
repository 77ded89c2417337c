/** Distinguished names in certificates (RFC 5280 section 4.1.2.4) as values and as the text of RFC 4514. Compares nothing. */
import { contentOf, DerError, DerReader, type Element, oidText, TAG, wholeOf } from "./der.ts";
import { decodeUtf8 } from "./utf8.ts";

/** One attribute of a name. */
interface Attribute {
  /** Dotted decimals. */
  readonly type: string;
  /** Undefined where the value is no string. */
  readonly value: string | undefined;
  /** Type and value in RFC 4514 text. */
  readonly text: string;
}

/** The relative names in the order of the certificate: from the root of the tree to the leaf. */
export interface Name {
  readonly rdns: readonly (readonly Attribute[])[];
  /** Text of RFC 4514: the leaf first. */
  readonly text: string;
}

export const COMMON_NAME = "2.5.4.3";
export const ORGANIZATIONAL_UNIT = "2.5.4.11";

/** Reads a Name. The attributes that rules compare (CN, OU) must be strings without control characters. Throws `DerError`. */
export function nameOf(element: Element): Name {
  const rdns: Attribute[][] = [];
  for (const outer = DerReader.within(element); !outer.done;) {
    const set = outer.enter(TAG.set);
    const rdn: Attribute[] = [];
    do rdn.push(attributeOf(set.read(TAG.sequence)));
    while (!set.done);
    rdns.push(rdn);
  }
  return { rdns, text: textOf(rdns) };
}

/** All of it backwards; within one relative name any order would do, and this is the one in which openssl(1) prints it. */
function textOf(rdns: readonly (readonly Attribute[])[]): string {
  let text = "";
  for (let i = rdns.length - 1; i >= 0; i--) {
    const rdn = rdns[i]!;
    if (text !== "") text += ",";
    for (let n = rdn.length - 1; n >= 0; n--) text += n === 0 ? rdn[n]!.text : `${rdn[n]!.text}+`;
  }
  return text;
}

/** Values of all attributes of that type, in the order of the certificate. */
export function valuesOf(name: Name, type: string): string[] {
  return name.rdns.flatMap((rdn) => rdn.flatMap((part) => (part.type === type ? (part.value ?? []) : [])));
}

function attributeOf(element: Element): Attribute {
  const reader = DerReader.within(element);
  const type = oidText(reader.read(TAG.oid));
  const content = reader.next();
  reader.finish();
  const value = stringOf(content);
  if ((type === COMMON_NAME || type === ORGANIZATIONAL_UNIT) && (value === undefined || hasControl(value)))
    throw new DerError("a common name or organizational unit holds what no text holds");
  // Sections 2.3 and 2.4: a type without a short name, and a value that is no string, have it in hex.
  const short = SHORT.get(type);
  const isText = short !== undefined && value !== undefined;
  return { type, value, text: `${short ?? type}=${isText ? escape(value) : `#${hex(wholeOf(content))}`}` };
}

/** DirectoryString and its relatives; undefined for any other type. */
function stringOf(element: Element): string | undefined {
  switch (element.tag) {
    case TAG.utf8String:
      return asciiOf(element) ?? valid(decodeUtf8(contentOf(element)));
    case TAG.printableString:
    case TAG.ia5String:
    case TAG.numericString:
    case TAG.visibleString:
      return valid(asciiOf(element));
    case TAG.teletexString: // Latin-1 in practice, as every implementation reads it.
      return latin1(contentOf(element));
    case TAG.bmpString:
      return valid(decodeWide(contentOf(element), 2));
    case TAG.universalString:
      return valid(decodeWide(contentOf(element), 4));
    default:
      return undefined;
  }
}

function valid(text: string | undefined): string {
  if (text === undefined) throw new DerError("a string holds bytes that its type has not");
  return text;
}

/** The content as text if all of it is 7-bit, otherwise undefined. */
export function asciiOf(element: Element): string | undefined {
  for (let at = element.start; at < element.end; at++) if (element.bytes[at]! > 0x7f) return undefined;
  return decodeUtf8(contentOf(element));
}

/** A byte a character. */
function latin1(bytes: Uint8Array): string {
  return bytes.reduce((text, byte) => text + String.fromCharCode(byte), "");
}

/** Big-endian code points of 2 or 4 bytes; no surrogates. */
function decodeWide(bytes: Uint8Array, width: 2 | 4): string | undefined {
  if (bytes.length % width !== 0) return undefined;
  let text = "";
  for (let at = 0; at < bytes.length; at += width) {
    let code = 0;
    for (let i = 0; i < width; i++) code = code * 256 + bytes[at + i]!;
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
    text += String.fromCodePoint(code);
  }
  return text;
}

/** Whether there is a C0 control, DEL or a C1 control. */
export function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  }
  return false;
}

/** The short names of RFC 4514 section 3, and two more that people read and write. */
const SHORT = new Map([
  [COMMON_NAME, "CN"],
  ["2.5.4.7", "L"],
  ["2.5.4.8", "ST"],
  ["2.5.4.10", "O"],
  [ORGANIZATIONAL_UNIT, "OU"],
  ["2.5.4.6", "C"],
  ["2.5.4.9", "STREET"],
  ["0.9.2342.19200300.100.1.25", "DC"],
  ["0.9.2342.19200300.100.1.1", "UID"],
  ["2.5.4.5", "serialNumber"],
  ["1.2.840.113549.1.9.1", "emailAddress"],
]);

/** RFC 4514 section 2.4; control characters are escaped as well, byte by byte of their UTF-8. */
function escape(value: string): string {
  if (isPlain(value)) return value;
  let text = "";
  for (let i = 0; i < value.length; i++) {
    const char = value[i]!;
    const code = value.charCodeAt(i);
    const edge = (char === " " && (i === 0 || i === value.length - 1)) || (char === "#" && i === 0);
    if (edge || '"+,;<>\\'.includes(char)) text += `\\${char}`;
    else if (code < 0x20 || code === 0x7f) text += `\\${hexByte(code)}`;
    else if (code >= 0x80 && code < 0xa0) text += `\\C2\\${hexByte(code)}`;
    else text += char;
  }
  return text;
}

/** The common case: letters, digits and a few marks, which need no second look. */
function isPlain(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    const isMark = (code >= 0x2d && code <= 0x2f) || code === 0x5f || code === 0x40 || code === 0x3a;
    const isWord = (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39);
    if (!isMark && !isWord) return false;
  }
  return true;
}

const hexByte = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, "0");

/** Lower-case hex of the bytes. */
export function hex(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) text += HEX[bytes[i]!]!;
  return text;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

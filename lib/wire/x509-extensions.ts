/** The extensions of certificates that say who a peer is and what its key is for (RFC 5280 section 4.2.1). Not those that bind a chain. */
import { bitStringBytes, booleanOf, DerError, DerReader, type Element, oidText, smallInteger, TAG } from "./der.ts";
import { decodeIp } from "./ip-bytes.ts";
import type { Ip } from "./ip.ts";
import { asciiOf, hasControl, nameOf } from "./x509-name.ts";

/** Subject alternative names (section 4.2.1.6), each kind in the order of the certificate. */
interface AltNames {
  readonly dns: readonly string[];
  readonly uri: readonly string[];
  readonly ip: readonly Ip[];
  readonly email: readonly string[];
  /** Kinds of the names that are no text and no address, one entry per name. */
  readonly other: readonly OtherNameKind[];
}

type OtherNameKind = "otherName" | "x400Address" | "directoryName" | "ediPartyName" | "registeredID";

/** Uses of a key (section 4.2.1.3), in the order of their bits. */
const KEY_USES = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;
type KeyUse = (typeof KEY_USES)[number];

export interface Extensions {
  /** Undefined is no such extension, which an empty list is not. */
  readonly altNames: AltNames | undefined;
  /** Dotted decimals of section 4.2.1.12. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly keyUsage: readonly KeyUse[] | undefined;
  /** Of basic constraints (section 4.2.1.9); false without them. */
  readonly ca: boolean;
}

export const NO_EXTENSIONS: Extensions = {
  altNames: undefined,
  extendedKeyUsage: undefined,
  keyUsage: undefined,
  ca: false,
};

/**
 * Reads the SEQUENCE of all extensions. One that is there twice is refused (section 4.2), whether it is known or not;
 * `critical FALSE` written out, which DER forbids and issuers do, is not. Throws `DerError`.
 */
export function extensionsOf(element: Element): Extensions {
  const seen = new Set<string>();
  const found: { -readonly [K in keyof Extensions]: Extensions[K] } = { ...NO_EXTENSIONS };
  const reader = DerReader.within(element);
  do {
    const extension = reader.enter(TAG.sequence);
    const id = oidText(extension.read(TAG.oid));
    const critical = extension.readIf(TAG.boolean);
    if (critical !== undefined) booleanOf(critical);
    const value = extension.read(TAG.octetString);
    extension.finish();
    if (seen.has(id)) throw new DerError("an extension is there twice");
    seen.add(id);
    if (id === "2.5.29.17") found.altNames = altNamesOf(only(value, TAG.sequence));
    else if (id === "2.5.29.37") found.extendedKeyUsage = purposesOf(only(value, TAG.sequence));
    else if (id === "2.5.29.15") found.keyUsage = usesOf(only(value, TAG.bitString));
    else if (id === "2.5.29.19") found.ca = caOf(only(value, TAG.sequence));
  } while (!reader.done);
  return found;
}

/** The one element that an extension's value is. */
function only(value: Element, tag: number): Element {
  const reader = DerReader.within(value);
  const element = reader.read(tag);
  reader.finish();
  return element;
}

function altNamesOf(element: Element): AltNames {
  const names = { dns: [] as string[], uri: [] as string[], ip: [] as Ip[], email: [] as string[] };
  const other: OtherNameKind[] = [];
  const reader = DerReader.within(element);
  do {
    const name = reader.next();
    if (name.tag === 0x82) names.dns.push(ia5Of(name));
    else if (name.tag === 0x86) names.uri.push(ia5Of(name));
    else if (name.tag === 0x87) names.ip.push(addressOf(name));
    else if (name.tag === 0x81) names.email.push(ia5Of(name));
    else other.push(otherOf(name));
  } while (!reader.done);
  return { ...names, other };
}

/** Printable IA5 and not empty: a NUL or a line break would mean one thing here and another to what reads it next. */
function ia5Of(element: Element): string {
  const text = asciiOf(element);
  if (text === undefined || text === "") throw new DerError("an alternative name is empty or not IA5");
  if (hasControl(text)) throw new DerError("an alternative name holds a control character");
  return text;
}

function addressOf({ bytes, start, end }: Element): Ip {
  const length = end - start;
  if (length !== 4 && length !== 16) throw new DerError("an address is neither of 4 nor of 16 bytes");
  return decodeIp(bytes, start, length);
}

function otherOf(element: Element): OtherNameKind {
  switch (element.tag) {
    case 0xa0: {
      const reader = DerReader.within(element);
      reader.read(TAG.oid);
      reader.enter(0xa0).next();
      reader.finish();
      return "otherName";
    }
    case 0xa3:
      return "x400Address";
    case 0xa4:
      nameOf(only(element, TAG.sequence));
      return "directoryName";
    case 0xa5:
      return "ediPartyName";
    case 0x88:
      oidText(element);
      return "registeredID";
    default:
      throw new DerError("an alternative name is of no known kind");
  }
}

function purposesOf(element: Element): string[] {
  const reader = DerReader.within(element);
  const purposes: string[] = [];
  do purposes.push(oidText(reader.read(TAG.oid)));
  while (!reader.done);
  return purposes;
}

function usesOf(element: Element): KeyUse[] {
  const { bytes } = bitStringBytes(element);
  return KEY_USES.filter((_, bit) => ((bytes[bit >>> 3] ?? 0) & (0x80 >>> (bit & 7))) !== 0);
}

/** `cA FALSE` written out is read, as `critical FALSE` is. */
function caOf(element: Element): boolean {
  const reader = DerReader.within(element);
  const flag = reader.readIf(TAG.boolean);
  const ca = flag !== undefined && booleanOf(flag);
  const depth = reader.readIf(TAG.integer);
  if (depth !== undefined) smallInteger(depth);
  reader.finish();
  return ca;
}

/** Writes X.509: names, extensions, certificates (RFC 5280) and certification requests (RFC 2986), up to their signatures. Signs nothing. */
import { bad } from "./decode.ts";
import {
  bitString,
  element,
  nothing,
  objectIdentifier,
  octetString,
  sequence,
  unsignedInteger,
  utf8String,
} from "./der-write.ts";
import { contextTag, TAG } from "./der.ts";

/** Attributes of a name by their short names (RFC 4514 section 3), and email's of old. */
const ATTRIBUTES: Readonly<Record<string, string>> = {
  CN: "2.5.4.3",
  C: "2.5.4.6",
  L: "2.5.4.7",
  ST: "2.5.4.8",
  O: "2.5.4.10",
  OU: "2.5.4.11",
  SERIALNUMBER: "2.5.4.5",
};

/** An alternative name of a subject; an address is its 4 or 16 bytes. */
export type AltName =
  | { readonly kind: "dns" | "uri" | "email"; readonly text: string }
  | { readonly kind: "ip"; readonly bytes: Uint8Array };

/** How a signature is made, as certificates name it. */
export type SignatureAlgorithm = keyof typeof ALGORITHMS;

const ALGORITHMS = {
  "rsa-sha256": ["1.2.840.113549.1.1.11", true],
  "ecdsa-sha256": ["1.2.840.10045.4.3.2", false],
  "ecdsa-sha384": ["1.2.840.10045.4.3.3", false],
  "ecdsa-sha512": ["1.2.840.10045.4.3.4", false],
  ed25519: ["1.3.101.112", false],
} as const;

export interface CertificateFields {
  /** Big-endian; at most 20 bytes, of which the first is below 0x80. */
  readonly serial: Uint8Array;
  /** DER, as `encodeName` makes it. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** Milliseconds since 1970, before 2050. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly spki: Uint8Array;
  readonly extensions: readonly Uint8Array[];
  readonly algorithm: SignatureAlgorithm;
}

/** A name out of RFC 4514 text, the leaf first, such as `CN=alice,O=Example`; `bad` with half a sentence. */
export function encodeName(text: string): { kind: "ok"; value: Uint8Array } | { kind: "bad"; reason: string } {
  const rdns: Uint8Array[] = [];
  for (const part of text === "" ? [] : split(text)) {
    const equals = part.indexOf("=");
    const type = part.slice(0, Math.max(equals, 0)).trim().toUpperCase();
    const value = part.slice(equals + 1).replace(/\\(.)/g, "$1");
    const oid = Object.hasOwn(ATTRIBUTES, type) ? ATTRIBUTES[type] : undefined;
    if (oid === undefined) return bad(`has something in it that is none of ${Object.keys(ATTRIBUTES).join(", ")}`);
    if (value === "") return bad(`has an empty ${type}`);
    if (type === "C" && !/^[A-Za-z]{2}$/.test(value)) return bad("has a C that is no code of two letters");
    const printable = type === "C" || type === "SERIALNUMBER";
    if (printable && !/^[A-Za-z0-9 '()+,\-./:=?]+$/.test(value)) return bad(`has a ${type} with other characters`);
    const content = printable ? element(TAG.printableString, new TextEncoder().encode(value)) : utf8String(value);
    rdns.unshift(element(TAG.set, sequence(objectIdentifier(oid), content)));
  }
  return { kind: "ok", value: sequence(...rdns) };
}

/** At commas that no backslash stands before. */
function split(text: string): string[] {
  return text.match(/(?:\\.|[^,\\])+/g) ?? [];
}

export function basicConstraints(ca: boolean): Uint8Array {
  const content = ca ? sequence(element(TAG.boolean, Uint8Array.of(0xff))) : sequence();
  return extension("2.5.29.19", true, content);
}

/** `bits` are those of RFC 5280 section 4.2.1.3: digitalSignature is 0, keyCertSign 5, cRLSign 6. */
export function keyUsage(bits: readonly number[]): Uint8Array {
  const byte = bits.reduce((sum, bit) => sum | (0x80 >> bit), 0);
  const unused = 7 - Math.max(...bits);
  return extension("2.5.29.15", true, element(TAG.bitString, Uint8Array.of(unused, byte)));
}

export function extendedKeyUsage(usage: "server" | "client"): Uint8Array {
  const oid = usage === "server" ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2";
  return extension("2.5.29.37", false, sequence(objectIdentifier(oid)));
}

export function subjectKeyIdentifier(id: Uint8Array): Uint8Array {
  return extension("2.5.29.14", false, octetString(id));
}

export function authorityKeyIdentifier(id: Uint8Array): Uint8Array {
  return extension("2.5.29.35", false, sequence(element(contextTag(0, false), id)));
}

/** `critical` where the subject is empty (section 4.2.1.6). */
export function subjectAltName(names: readonly AltName[], critical = false): Uint8Array {
  const general = names.map((name) => {
    if (name.kind === "ip") return element(contextTag(7, false), name.bytes);
    const number = name.kind === "email" ? 1 : name.kind === "dns" ? 2 : 6;
    return element(contextTag(number, false), new TextEncoder().encode(name.text));
  });
  return extension("2.5.29.17", critical, sequence(...general));
}

/** Netscape's, which every tool prints: what people should know who look at the certificate. */
export function comment(text: string): Uint8Array {
  return extension("2.16.840.1.113730.1.13", false, element(TAG.ia5String, new TextEncoder().encode(text)));
}

function extension(oid: string, critical: boolean, value: Uint8Array): Uint8Array {
  const flag = critical ? [element(TAG.boolean, Uint8Array.of(0xff))] : [];
  return sequence(objectIdentifier(oid), ...flag, octetString(value));
}

/** What the issuer signs. */
export function certificateBody(fields: CertificateFields): Uint8Array {
  const { serial, issuer, subject, notBefore, notAfter, spki, extensions, algorithm } = fields;
  return sequence(
    element(contextTag(0, true), unsignedInteger(Uint8Array.of(2))),
    unsignedInteger(serial),
    algorithmIdentifier(algorithm),
    issuer,
    sequence(time(notBefore), time(notAfter)),
    subject,
    spki,
    element(contextTag(3, true), sequence(...extensions)),
  );
}

/** What the owner of the key signs. */
export function requestBody(subject: Uint8Array, spki: Uint8Array, extensions: readonly Uint8Array[]): Uint8Array {
  // PKCS#9 extensionRequest.
  const wanted = sequence(objectIdentifier("1.2.840.113549.1.9.14"), element(TAG.set, sequence(...extensions)));
  const attributes = element(contextTag(0, true), ...(extensions.length === 0 ? [] : [wanted]));
  return sequence(unsignedInteger(Uint8Array.of(0)), subject, spki, attributes);
}

/** A body and its signature, as certificate or request. */
export function signed(body: Uint8Array, algorithm: SignatureAlgorithm, signature: Uint8Array): Uint8Array {
  return sequence(body, algorithmIdentifier(algorithm), bitString(signature));
}

function algorithmIdentifier(name: SignatureAlgorithm): Uint8Array {
  const [oid, parameters] = ALGORITHMS[name];
  return sequence(objectIdentifier(oid), ...(parameters ? [nothing()] : []));
}

/** UTCTime, which years up to 2049 have (section 4.1.2.5). */
function time(at: number): Uint8Array {
  const digits = new Date(at).toISOString().slice(2, 19).replace(/[-:T]/g, "");
  return element(TAG.utcTime, new TextEncoder().encode(`${digits}Z`));
}

/** What one X.509 certificate says (RFC 5280 section 4.1), read strictly. Verifies no signature, chain or time. */
import { bad } from "./decode.ts";
import { bitStringBytes, contextTag, DerError, DerReader, integerBytes, smallInteger, TAG, wholeOf } from "./der.ts";
import { type Extensions, extensionsOf, NO_EXTENSIONS } from "./x509-extensions.ts";
import { hex, type Name, nameOf } from "./x509-name.ts";
import { timeOf } from "./x509-time.ts";

export interface Certificate extends Extensions {
  readonly version: 1 | 2 | 3;
  /** Lower-case hex of whole bytes, with a minus sign before the magnitude of a negative one (section 4.1.2.2). */
  readonly serial: string;
  readonly issuer: Name;
  readonly subject: Name;
  /** Both milliseconds since 1970, UTC; the certificate is valid at both of them. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SubjectPublicKeyInfo in DER: a view on the certificate. */
  readonly spki: Uint8Array;
  /** The whole certificate, as it was given. */
  readonly der: Uint8Array;
}

/** No certificate of use is longer, and a peer that nobody has verified yet may send one. */
export const LONGEST_CERTIFICATE = 65_536;

/**
 * Decodes a certificate in DER, with nothing behind it. Whatever the bytes are, it returns: `bad` with half a sentence
 * that repeats nothing of them. Values are views on `der`, which must not change.
 */
export function decodeCertificate(
  der: Uint8Array,
): { kind: "ok"; value: Certificate } | { kind: "bad"; reason: string } {
  try {
    return { kind: "ok", value: certificateOf(der) };
  } catch (error) {
    if (error instanceof DerError) return bad(error.message);
    throw error;
  }
}

function certificateOf(der: Uint8Array): Certificate {
  if (der.length > LONGEST_CERTIFICATE) throw new DerError("the certificate is too long");
  const outer = new DerReader(der);
  const certificate = outer.enter(TAG.sequence);
  outer.finish();
  const body = certificate.enter(TAG.sequence);
  const algorithm = wholeOf(certificate.read(TAG.sequence));
  bitStringBytes(certificate.read(TAG.bitString));
  certificate.finish();

  const version = versionOf(body);
  const serial = serialText(integerBytes(body.read(TAG.integer)));
  // Section 4.1.1.2: what is signed says how it was signed.
  if (!sameBytes(wholeOf(body.read(TAG.sequence)), algorithm)) throw new DerError("two signature algorithms are named");
  const issuer = nameOf(body.read(TAG.sequence));
  const validity = body.enter(TAG.sequence);
  const notBefore = timeOf(validity.next());
  const notAfter = timeOf(validity.next());
  validity.finish();
  const subject = nameOf(body.read(TAG.sequence));
  const key = body.read(TAG.sequence);
  const keyReader = DerReader.within(key);
  keyReader.read(TAG.sequence);
  bitStringBytes(keyReader.read(TAG.bitString));
  keyReader.finish();
  const extensions = restOf(body, version);
  return { version, serial, issuer, subject, notBefore, notAfter, spki: wholeOf(key), der, ...extensions };
}

function versionOf(body: DerReader): 1 | 2 | 3 {
  const tagged = body.readIf(contextTag(0, true));
  if (tagged === undefined) return 1;
  const reader = DerReader.within(tagged);
  const number = smallInteger(reader.read(TAG.integer));
  reader.finish();
  // Version 1 is the default, which DER does not write.
  if (number !== 1 && number !== 2) throw new DerError("the version is none that there is");
  return number === 1 ? 2 : 3;
}

/** Unique identifiers (section 4.1.2.8), which say nothing here, and the extensions. */
function restOf(body: DerReader, version: 1 | 2 | 3): Extensions {
  for (const number of [1, 2]) {
    const unique = body.readIf(contextTag(number, false));
    if (unique === undefined) continue;
    if (version === 1) throw new DerError("the version has no such element");
    bitStringBytes(unique);
  }
  const tagged = body.readIf(contextTag(3, true));
  body.finish();
  if (tagged === undefined) return NO_EXTENSIONS;
  if (version !== 3) throw new DerError("the version has no extensions");
  const reader = DerReader.within(tagged);
  const extensions = extensionsOf(reader.read(TAG.sequence));
  reader.finish();
  return extensions;
}

/** Of `integerBytes`. Section 4.1.2.2 asks for positive ones of 20 bytes at most, and to bear with others. */
function serialText(bytes: Uint8Array): string {
  if (bytes[0]! < 0x80) return hex(bytes[0] === 0 && bytes.length > 1 ? bytes.subarray(1) : bytes);
  const magnitude = (1n << BigInt(8 * bytes.length)) - BigInt(`0x${hex(bytes)}`);
  const digits = magnitude.toString(16);
  return `-${digits.length % 2 === 0 ? digits : `0${digits}`}`;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

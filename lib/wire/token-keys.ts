/** Keys and signatures as PKCS#11 has them, in the forms of X.509: pure translation. */
import { bitString, nothing, objectIdentifier, octetString, sequence, unsignedInteger } from "./der-write.ts";
import { contentOf, DerError, DerReader, TAG } from "./der.ts";

const RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
const EC_PUBLIC_KEY = "1.2.840.10045.2.1";
const ED25519 = "1.3.101.112";

/** SubjectPublicKeyInfo of CKA_MODULUS and CKA_PUBLIC_EXPONENT. */
export function rsaPublicKey(modulus: Uint8Array, exponent: Uint8Array): Uint8Array {
  const key = sequence(unsignedInteger(modulus), unsignedInteger(exponent));
  return sequence(sequence(objectIdentifier(RSA_ENCRYPTION), nothing()), bitString(key));
}

/** SubjectPublicKeyInfo of CKA_EC_PARAMS and CKA_EC_POINT, which is wrapped in an OCTET STRING or, of some tokens, is not. */
export function ecPublicKey(params: Uint8Array, point: Uint8Array): Uint8Array {
  return sequence(sequence(objectIdentifier(EC_PUBLIC_KEY), params), bitString(unwrapped(point, isEcPoint)));
}

/** SubjectPublicKeyInfo of CKA_EC_POINT. */
export function ed25519PublicKey(point: Uint8Array): Uint8Array {
  return sequence(sequence(objectIdentifier(ED25519)), bitString(unwrapped(point, (bytes) => bytes.length === 32)));
}

function isEcPoint(bytes: Uint8Array): boolean {
  return bytes[0] === 0x04 && bytes.length % 2 === 1;
}

function unwrapped(point: Uint8Array, isPlain: (bytes: Uint8Array) => boolean): Uint8Array {
  try {
    const reader = new DerReader(point);
    const inner = contentOf(reader.read(TAG.octetString));
    if (reader.done && isPlain(inner)) return inner;
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
  }
  return point;
}

/** An ECDSA signature, r and s behind each other, as X.509 has it (RFC 3279 section 2.2.3). */
export function ecdsaSignature(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  return sequence(unsignedInteger(raw.subarray(0, half)), unsignedInteger(raw.subarray(half)));
}

const DIGESTS = {
  sha256: "2.16.840.1.101.3.4.2.1",
  sha384: "2.16.840.1.101.3.4.2.2",
  sha512: "2.16.840.1.101.3.4.2.3",
} as const;

/** What is padded and signed by RSASSA-PKCS1-v1_5 (RFC 8017 section 9.2). */
export function digestInfo(hash: keyof typeof DIGESTS, digest: Uint8Array): Uint8Array {
  return sequence(sequence(objectIdentifier(DIGESTS[hash]), nothing()), octetString(digest));
}

/** What a file in DER is, told from the types of its first elements, as nothing in it says so. Checks nothing else. */
import { DerError, DerReader, smallInteger, TAG, type Element } from "./der.ts";

/** `encrypted-key` is PKCS#8; `pkcs1` and `sec1` are keys of RSA and of elliptic curves in the forms of old. */
export type DerKind = "certificate" | "crl" | "pkcs7" | "pkcs12" | "pkcs8" | "encrypted-key" | "pkcs1" | "sec1";

/** Undefined where `bytes` are none of these. */
export function kindOfDer(bytes: Uint8Array): DerKind | undefined {
  try {
    const elements = childrenOf(new DerReader(bytes).read(TAG.sequence));
    const [first, second] = elements;
    if (first === undefined || second === undefined) return undefined;
    if (first.tag === TAG.oid) return "pkcs7"; // RFC 2315 section 7
    if (first.tag === TAG.integer) return kindByVersion(smallInteger(first), second.tag);
    if (first.tag !== TAG.sequence) return undefined;
    if (second.tag === TAG.octetString) return "encrypted-key"; // RFC 5958 section 3
    return second.tag === TAG.sequence ? kindOfSigned(childrenOf(first)) : undefined;
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

function kindByVersion(version: number, second: number): DerKind | undefined {
  if (second === TAG.sequence) return version === 3 ? "pkcs12" : "pkcs8"; // RFC 7292 section 4, RFC 5958 section 2
  if (second === TAG.integer) return "pkcs1"; // RFC 8017 appendix A.1.2
  return second === TAG.octetString ? "sec1" : undefined; // RFC 5915 section 3
}

/** Behind version or serial number, algorithm and issuer stands a time in a CRL, and a pair of them in a certificate. */
function kindOfSigned(body: readonly Element[]): DerKind | undefined {
  const tags = body.map(({ tag }) => tag);
  const start = tags.findIndex((tag) => tag === TAG.sequence);
  const fourth = tags[start + 2];
  if (start === -1 || tags[start + 1] !== TAG.sequence) return undefined;
  if (fourth === TAG.utcTime || fourth === TAG.generalizedTime) return "crl";
  return fourth === TAG.sequence ? "certificate" : undefined;
}

function childrenOf(element: Element): Element[] {
  const reader = DerReader.within(element);
  const children: Element[] = [];
  while (!reader.done) children.push(reader.next());
  return children;
}

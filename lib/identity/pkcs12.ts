/** What a PKCS#12 file holds, decrypted: certificates and keys. Judges neither, and trusts none of them. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { DerError, DerReader, TAG } from "../wire/der.ts";
import { decodeAlgorithm, decodeBags, decodePkcs12, type Bag, type Mac } from "../wire/pkcs12.ts";
import { bmpString, decryptPbe, deriveKey, PbeError, pkcs12Key } from "./pbe.ts";

interface Pkcs12Content {
  /** DER. */
  readonly certs: Uint8Array[];
  /** PKCS#8 in DER, not encrypted. */
  readonly keys: Uint8Array[];
}

const PBMAC1 = "1.2.840.113549.1.5.14";

const MACS = {
  "1.3.14.3.2.26": { digest: "sha1", length: 20 },
  "2.16.840.1.101.3.4.2.4": { digest: "sha224", length: 28 },
  "2.16.840.1.101.3.4.2.1": { digest: "sha256", length: 32 },
  "2.16.840.1.101.3.4.2.2": { digest: "sha384", length: 48 },
  "2.16.840.1.101.3.4.2.3": { digest: "sha512", length: 64 },
} as const;

/** HMACs of RFC 8018 appendix B.1. */
const HMACS: Readonly<Record<string, string>> = {
  "1.2.840.113549.2.7": "sha1",
  "1.2.840.113549.2.9": "sha256",
  "1.2.840.113549.2.10": "sha384",
  "1.2.840.113549.2.11": "sha512",
};

/** Throws `PbeError` for a password that does not fit and for what is not supported, `DerError` for a damaged file. */
export function openPkcs12(bytes: Uint8Array, password: string): Pkcs12Content {
  const { safes, content, mac } = decodePkcs12(bytes);
  if (mac !== undefined && !verify(mac, content, password)) throw new PbeError("wrong", "the password does not fit");
  const bags = safes.flatMap((safe) => {
    return decodeBags(safe.kind === "open" ? safe.bags : decryptPbe(safe.algorithm, safe.data, password));
  });
  const certs = bags.flatMap((bag) => (bag.kind === "certificate" ? [bag.der] : []));
  return { certs, keys: bags.flatMap((bag) => keyOf(bag, password)) };
}

function keyOf(bag: Bag, password: string): Uint8Array[] {
  if (bag.kind === "encrypted-key") return [decryptPbe(bag.algorithm, bag.data, password)];
  return bag.kind === "key" ? [bag.der] : [];
}

/** RFC 7292 appendix B.4, or RFC 9579. */
function verify(mac: Mac, content: Uint8Array, password: string): boolean {
  if (mac.digest.oid === PBMAC1) return verifyPbmac1(mac, content, password);
  if (!isMac(mac.digest.oid)) throw new PbeError("unsupported", `its MAC is not supported (${mac.digest.oid})`);
  const { digest, length } = MACS[mac.digest.oid];
  // An empty password is two zero bytes to some programs and nothing at all to others.
  const secrets = password === "" ? [bmpString(""), new Uint8Array(0)] : [bmpString(password)];
  return secrets.some((secret) => {
    const key = pkcs12Key(digest, secret, mac.salt, mac.iterations, "mac", length);
    return equal(createHmac(digest, key).update(content).digest(), mac.value);
  });
}

function isMac(oid: string): oid is keyof typeof MACS {
  return Object.hasOwn(MACS, oid);
}

function verifyPbmac1({ digest, value }: Mac, content: Uint8Array, password: string): boolean {
  if (digest.parameters?.tag !== TAG.sequence) throw new DerError("an element has another type");
  const reader = DerReader.within(digest.parameters);
  const derivation = decodeAlgorithm(reader.enter(TAG.sequence));
  const { oid } = decodeAlgorithm(reader.enter(TAG.sequence));
  const hmac = HMACS[oid];
  if (hmac === undefined) throw new PbeError("unsupported", `its MAC is not supported (${oid})`);
  // The key is as long as the MAC (RFC 9579 section 5 has the length written, and equal to that).
  return equal(
    createHmac(hmac, deriveKey(derivation, password, value.length))
      .update(content)
      .digest(),
    value,
  );
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

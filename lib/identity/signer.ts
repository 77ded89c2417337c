/** What signs for us, wherever its key is: in memory, or in a token that never gives it out. Knows no protocol. */
import type { KeyObject } from "node:crypto";

export type Hash = "sha256" | "sha384" | "sha512";

/** How a signature is made. PSS has MGF1 of the same hash, and a salt as long as that. */
export type Scheme =
  { readonly kind: "rsa-pkcs1" | "rsa-pss" | "ecdsa"; readonly hash: Hash } | { readonly kind: "ed25519" };

export interface Signer {
  /** For people: a file, or a `pkcs11:` URI. Never with a secret. */
  readonly name: string;
  readonly publicKey: KeyObject;
  /**
   * The signature of `message` (not of its digest) as X.509 and TLS have it: of ECDSA in DER. Rejects with `SignerError`
   * where there is none to be had. What is `abandoned` when its turn comes is not signed any more.
   */
  sign(scheme: Scheme, message: Uint8Array, abandoned?: () => boolean): Promise<Uint8Array>;
}

/** Why there is no signature; half a sentence for the log. */
export class SignerError extends Error {
  override readonly name: string = "SignerError";
  /** Stable, e.g. `token.busy`. */
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** The schemes that a key is asked for in certificates, requests and TLS; the first is the one for certificates. */
export function schemesOf(publicKey: KeyObject): readonly Scheme[] {
  const { asymmetricKeyType, asymmetricKeyDetails } = publicKey;
  if (asymmetricKeyType === "ed25519") return [{ kind: "ed25519" }];
  if (asymmetricKeyType === "rsa")
    return [
      { kind: "rsa-pkcs1", hash: "sha256" },
      { kind: "rsa-pss", hash: "sha256" },
    ];
  if (asymmetricKeyType !== "ec") return [];
  const hash = CURVE_HASHES[asymmetricKeyDetails?.namedCurve ?? ""];
  return hash === undefined ? [] : [{ kind: "ecdsa", hash }];
}

/** RFC 8446 section 4.2.3: each curve has its hash. */
const CURVE_HASHES: Readonly<Record<string, Hash>> = {
  prime256v1: "sha256",
  secp384r1: "sha384",
  secp521r1: "sha512",
};

/** Signs with a private key in memory, by @peculiar/webcrypto: the same interface as of a key in a token. */
import { createPublicKey, type KeyObject } from "node:crypto";
import { ecdsaSignature } from "../wire/token-keys.ts";
import { SignerError, type Hash, type Scheme, type Signer } from "./signer.ts";

const HASHES: Readonly<Record<Hash, string>> = { sha256: "SHA-256", sha384: "SHA-384", sha512: "SHA-512" };
const SALTS: Readonly<Record<Hash, number>> = { sha256: 32, sha384: 48, sha512: 64 };
/** As WebCrypto names the curves of node:crypto. */
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: "P-256",
  secp384r1: "P-384",
  secp521r1: "P-521",
};

export class MemorySigner implements Signer {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly #key: KeyObject;

  constructor(name: string, key: KeyObject) {
    this.name = name;
    this.#key = key;
    this.publicKey = createPublicKey(key);
  }

  async sign(scheme: Scheme, message: Uint8Array): Promise<Uint8Array> {
    // Imported when it is wanted: most commands sign nothing.
    const { Crypto } = await import("@peculiar/webcrypto");
    const { subtle } = new Crypto();
    const { kind, imported, signed } = this.#algorithms(scheme);
    const pkcs8 = this.#key.export({ type: "pkcs8", format: "der" });
    const key = await subtle.importKey("pkcs8", pkcs8, imported, false, ["sign"]);
    const made = new Uint8Array(await subtle.sign(signed, key, message as Uint8Array<ArrayBuffer>));
    return kind === "ecdsa" ? ecdsaSignature(made) : made;
  }

  #algorithms(scheme: Scheme): { kind: Scheme["kind"]; imported: Algorithm; signed: Algorithm } {
    const { kind } = scheme;
    if (kind === "ed25519") return { kind, imported: { name: "Ed25519" }, signed: { name: "Ed25519" } };
    const hash = HASHES[scheme.hash];
    if (kind === "ecdsa") {
      const { namedCurve = "" } = this.publicKey.asymmetricKeyDetails ?? {};
      const curve = CURVES[namedCurve];
      if (curve === undefined)
        throw new SignerError("signer.unsupported_key", `keys on the curve ${namedCurve} are not used`);
      return { kind, imported: { name: "ECDSA", namedCurve: curve }, signed: { name: "ECDSA", hash } };
    }
    const name = kind === "rsa-pss" ? "RSA-PSS" : "RSASSA-PKCS1-v1_5";
    return { kind, imported: { name, hash }, signed: { name, saltLength: SALTS[scheme.hash] } };
  }
}

/** What WebCrypto takes, as far as it is used. */
interface Algorithm {
  name: string;
  hash?: string;
  namedCurve?: string;
  saltLength?: number;
}

/** Signs with a private key in memory. */
import { constants, createPublicKey, sign, type KeyObject } from "node:crypto";
import type { Scheme, Signer } from "./signer.ts";

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
    if (scheme.kind === "ed25519") return sign(null, message, this.#key);
    const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
    return sign(scheme.hash, message, { key: this.#key, ...(scheme.kind === "rsa-pss" && pss) });
  }
}

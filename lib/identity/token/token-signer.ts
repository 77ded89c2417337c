/** Signs with a private key in a token, and finds it again where the token was away. Chooses no key: that is tokens.ts. */
import { createHash, type KeyObject } from "node:crypto";
import { CKG_MGF1, CKM, CKR } from "../../wire/cryptoki.ts";
import { digestInfo, ecdsaSignature } from "../../wire/token-keys.ts";
import { SignerError, type Scheme, type Signer } from "../signer.ts";
import type { Mechanism } from "./module.ts";
import { TokenRefusal, type TokenProcess } from "./process.ts";

/** Where the key is at the moment. */
export interface Place {
  readonly slot: number;
  readonly key: number;
  /** The PIN, where the key wants it for each signature. */
  readonly contextPin: string | undefined;
}

/** Errors after which the session, or the token itself, is another: the key is to be found anew. */
const LOST: ReadonlySet<number> = new Set([
  CKR.slotIdInvalid,
  CKR.deviceError,
  CKR.deviceRemoved,
  CKR.keyHandleInvalid,
  CKR.objectHandleInvalid,
  CKR.sessionClosed,
  CKR.sessionHandleInvalid,
  CKR.tokenNotPresent,
  CKR.tokenNotRecognized,
  CKR.userNotLoggedIn,
  CKR.cryptokiNotInitialized,
]);

export class TokenSigner implements Signer {
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly #process: TokenProcess;
  /** Logs in and finds the key. */
  readonly #find: () => Promise<Place>;
  #place: Place | undefined;
  #generation: number;
  #finding: Promise<Place> | undefined;

  constructor(name: string, publicKey: KeyObject, process: TokenProcess, place: Place, find: () => Promise<Place>) {
    this.name = name;
    this.publicKey = publicKey;
    this.#process = process;
    this.#place = place;
    this.#generation = process.generation;
    this.#find = find;
  }

  async sign(scheme: Scheme, message: Uint8Array, abandoned?: () => boolean): Promise<Uint8Array> {
    const [mechanism, data] = mechanismOf(scheme, message);
    const place = await this.#found();
    try {
      return this.#finished(scheme, await this.#ask(place, mechanism, data, abandoned));
    } catch (error) {
      if (!isLost(error)) throw error;
      this.#lost(place);
      return this.#finished(scheme, await this.#ask(await this.#found(), mechanism, data, abandoned));
    }
  }

  #ask(place: Place, mechanism: Mechanism, data: Uint8Array, abandoned?: () => boolean): Promise<Uint8Array> {
    const { slot, key, contextPin } = place;
    return this.#process.ask({ op: "sign", slot, key, mechanism, data, contextPin }, abandoned);
  }

  #finished(scheme: Scheme, signature: Uint8Array): Uint8Array {
    return scheme.kind === "ecdsa" ? ecdsaSignature(signature) : signature;
  }

  /** The first that finds it lost does so for all. */
  #lost(place: Place): void {
    if (this.#place === place) this.#place = undefined;
  }

  #found(): Promise<Place> {
    // A process that was started anew knows nothing of what was found before.
    if (this.#place !== undefined && this.#generation === this.#process.generation) return Promise.resolve(this.#place);
    this.#finding ??= this.#find()
      .then((place) => {
        this.#generation = this.#process.generation;
        return (this.#place = place);
      })
      .finally(() => (this.#finding = undefined));
    return this.#finding;
  }
}

/** Whether the key may be there all the same: to be looked for once more. */
function isLost(error: unknown): boolean {
  if (error instanceof TokenRefusal) return LOST.has(error.rv);
  return error instanceof SignerError && error.code === "token.module_crashed";
}

/** How the token is asked, and what it is given: everywhere the digest, which all tokens can sign. */
function mechanismOf(scheme: Scheme, message: Uint8Array): [Mechanism, Uint8Array] {
  if (scheme.kind === "ed25519") return [{ number: CKM.eddsa }, message];
  const digest = createHash(scheme.hash).update(message).digest();
  if (scheme.kind === "ecdsa") return [{ number: CKM.ecdsa }, digest];
  if (scheme.kind === "rsa-pkcs1") return [{ number: CKM.rsaPkcs }, digestInfo(scheme.hash, digest)];
  const mgf = CKG_MGF1[digest.length];
  if (mgf === undefined) throw new SignerError("token.scheme", `PSS with ${scheme.hash} is not made`);
  return [{ number: CKM.rsaPkcsPss, pss: { hash: CKM[scheme.hash], mgf, saltLength: digest.length } }, digest];
}

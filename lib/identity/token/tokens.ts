/** The tokens that a program uses: one process for each module, their PINs, and the one key that a source means. */
import { existsSync } from "node:fs";
import { X509Certificate, type KeyObject } from "node:crypto";
import { EXIT, PortailError, type ExitStatus } from "../../command/errors.ts";
import { CKF } from "../../wire/cryptoki.ts";
import type { Pkcs11Uri } from "../../wire/pkcs11-uri.ts";
import type { SourceFiles } from "../source-files.ts";
import { SignerError, type Signer } from "../signer.ts";
import { findCertificates, findKeys, findTokens, uriOf, type TokenKey, type TokenSlot } from "./find.ts";
import { Logins } from "./login.ts";
import { TokenProcess } from "./process.ts";
import { describeSource, type TokenSource } from "./source.ts";
import { TokenSigner, type Place } from "./token-signer.ts";

/** A key that was found, and what else its token has. */
interface OpenedKey {
  readonly signer: Signer;
  readonly uri: string;
  /** Those of the token that fit the source, or the key's id where it says nothing of them; DER. */
  readonly certificates: readonly Uint8Array[];
  /** All certificates of the token: issuers may be among them. */
  readonly all: readonly Uint8Array[];
}

const known = new WeakMap<SourceFiles, Tokens>();

/** Those of the program whose files these are: what a reload finds again is not logged in to again. */
export function tokensOf(files: SourceFiles): Tokens {
  let tokens = known.get(files);
  if (tokens === undefined) known.set(files, (tokens = new Tokens(files)));
  return tokens;
}

export class Tokens {
  readonly logins: Logins;
  readonly #env: SourceFiles["env"];
  readonly #processes = new Map<string, TokenProcess>();

  constructor(files: SourceFiles) {
    this.#env = files.env;
    this.logins = new Logins(files);
  }

  /** The process that has the module loaded; it is started when it is first asked. Throws `PortailError` where there is no file. */
  process(module: string): TokenProcess {
    let process = this.#processes.get(module);
    if (process !== undefined) return process;
    if (!existsSync(module)) {
      throw new PortailError(`there is no PKCS#11 module ${JSON.stringify(module)}`, {
        code: "token.no_module",
        exit: EXIT.unavailable,
        hint: "Debian has SoftHSM at /usr/lib/softhsm/libsofthsm2.so, OpenSC at /usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
      });
    }
    process = new TokenProcess(module, this.#env);
    this.#processes.set(module, process);
    return process;
  }

  /**
   * Finds the one key that `source` means, of those with `wanted` as their public half where a certificate asks for that.
   * Throws `PortailError` (`token.*`) where there is none, or more than one.
   */
  async open(source: TokenSource, wanted: KeyObject | undefined): Promise<OpenedKey> {
    return told(source, async () => {
      const process = this.process(source.module);
      const { slot, key, publicKey } = await this.#find(process, source, wanted, false);
      const refind = async (): Promise<Place> => {
        const found = await this.#find(process, source, publicKey, true);
        return this.#placeOf(found.slot, found.key);
      };
      const uri = uriOf(slot, key, "private");
      const signer = new TokenSigner(uri, publicKey, process, this.#placeOf(slot, key), () => told(source, refind));
      const all =
        source.cert === undefined || typeof source.cert !== "string"
          ? await findCertificates(process, slot.id, {})
          : [];
      return { signer, uri, certificates: fitting(all, source.cert, key), all: all.map(({ der }) => der) };
    });
  }

  #placeOf(slot: TokenSlot, key: TokenKey): Place {
    return { slot: slot.id, key: key.handle, contextPin: key.alwaysAsks ? this.logins.pinOf(slot) : undefined };
  }

  async #find(
    process: TokenProcess,
    source: TokenSource,
    wanted: KeyObject | undefined,
    again: boolean,
  ): Promise<{ slot: TokenSlot; key: TokenKey; publicKey: KeyObject }> {
    const slot = await this.token(source, again);
    const keys = await findKeys(process, slot.id, source.key);
    const fits = keys.filter(
      ({ publicKey }) => wanted === undefined || publicKey === undefined || publicKey.equals(wanted),
    );
    const [key, second] = fits;
    const name = JSON.stringify(slot.token.label);
    if (key === undefined && keys.length > 0) {
      const hint = "compare `openssl x509 -noout -pubkey -in CERT` with `portail identity list`";
      throw refuse(
        "identity.mismatch",
        EXIT.badData,
        `no key of the token ${name} that was asked for is of the certificate`,
        hint,
      );
    }
    if (key === undefined) {
      const hint = "`portail identity list` shows the keys of a token";
      throw refuse(
        "token.no_key",
        EXIT.unavailable,
        `the token ${name} has no such key: ${describeSource(source)}`,
        hint,
      );
    }
    if (second !== undefined) {
      const uris = fits.slice(0, 4).map((each) => uriOf(slot, each, "private"));
      const hint = `name one by id or object: ${uris.join(" ")}`;
      throw refuse("token.two_keys", EXIT.config, `the token ${name} has ${fits.length} keys that fit`, hint);
    }
    const publicKey = key.publicKey ?? wanted;
    if (publicKey === undefined) {
      const hint = "give its certificate as --cert FILE, or write its public key into the token";
      throw refuse(
        "token.no_public_key",
        EXIT.badData,
        `the token ${name} does not tell the public half of the key`,
        hint,
      );
    }
    return { slot, key, publicKey };
  }

  /** The one token that `source` means, logged in to. Throws `PortailError`. */
  async token(source: TokenSource, again = false): Promise<TokenSlot> {
    const process = this.process(source.module);
    const found = await findTokens(process, source.key);
    // SoftHSM always has one more, which nobody has named yet.
    const named = found.filter(({ token }) => token.flags & CKF.tokenInitialized);
    const slots = named.length > 0 ? named : found;
    const [slot, second] = slots;
    if (slot === undefined) {
      const hint = "`portail identity list` shows the tokens that are there";
      throw refuse("token.no_token", EXIT.unavailable, `there is no such token: ${describeSource(source)}`, hint);
    }
    if (second !== undefined) {
      const hint = `name one by token or serial: ${slots
        .slice(0, 4)
        .map((each) => uriOf(each, undefined, undefined))
        .join(" ")}`;
      throw refuse("token.two_tokens", EXIT.config, `${slots.length} tokens fit`, hint);
    }
    // What is left of a session with a token that was away.
    if (again) await process.ask({ op: "forget", slot: slot.id });
    await this.logins.login(process, slot, source.pin, again);
    return slot;
  }

  /** Ends the processes of all modules. */
  close(): void {
    for (const process of this.#processes.values()) process.close();
    this.#processes.clear();
  }
}

function fitting(
  all: readonly { der: Uint8Array; id: Uint8Array; label: string }[],
  cert: string | Pkcs11Uri | undefined,
  key: TokenKey,
): Uint8Array[] {
  const wanted = typeof cert === "object" ? cert : key.id.length > 0 ? { id: key.id } : { object: key.label };
  const { id, object } = wanted;
  const found = all.filter((each) => {
    return (id === undefined || Buffer.from(id).equals(each.id)) && (object === undefined || object === each.label);
  });
  return found.map(({ der }) => der).filter(isCertificate);
}

function isCertificate(der: Uint8Array): boolean {
  try {
    return new X509Certificate(der).raw.length > 0;
  } catch {
    return false;
  }
}

/** Whatever the module or its process says becomes an operator's error. */
async function told<T>(source: TokenSource, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SignerError)) throw error;
    const crashed = error.code === "token.module_crashed";
    const hint = crashed
      ? "try the module with `pkcs11-tool --module PATH --list-slots`: it may lack its configuration"
      : "try the token with `pkcs11-tool --module PATH --token-label NAME --list-objects`";
    throw refuse(error.code, EXIT.unavailable, `${describeSource(source)}: ${error.message}`, hint, error);
  }
}

function refuse(code: string, exit: ExitStatus, message: string, hint: string, cause?: unknown): PortailError {
  return new PortailError(message, { code, exit, hint, ...(cause !== undefined && { cause }) });
}

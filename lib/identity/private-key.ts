/** Private keys of every form that openssl writes, decrypted and parsed. Chooses none. */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { DerError, DerReader, TAG } from "../wire/der.ts";
import { decodeEncrypted } from "../wire/pkcs12.ts";
import type { KeyForm, NamedFile } from "./material.ts";
import { decryptPbe, PbeError } from "./pbe.ts";

/** A password that is read when an encrypted key is met, and then once; undefined where the operator gave none. */
export type AskPassword = () => string | undefined;

/** Throws `PortailError` about `file`, never with the password or a part of the key. */
export function openPrivateKey(form: KeyForm, file: NamedFile, ask: AskPassword): KeyObject {
  if (form.kind === "encrypted-pem") return openOldPem(form.pem, file, given(file, ask));
  if (form.kind === "encrypted") return parseKey(decrypt(form.der, file, given(file, ask)), "pkcs8", file, true);
  return parseKey(form.der, form.kind, file, false);
}

/** The error for a password that does not fit, or for the lack of one. */
export function passwordError(file: NamedFile, known: boolean): Error {
  const hint = "give the password by --storepass-file FILE or in the environment variable KEYSTORE_PASS";
  if (!known) return file.refuse("password_missing", "is encrypted, and there is no password for it", hint);
  return file.refuse("wrong_password", "does not open with the password that was given", "passwords count every space");
}

/** What a file asks for that is not supported. */
export function unsupported(file: NamedFile, reason: string): Error {
  const hint = "write it anew with: openssl pkcs8 -topk8 -v2 aes-256-cbc, or openssl pkcs12 -export";
  return file.refuse("unsupported_encryption", `cannot be decrypted: ${reason}`, hint);
}

function given(file: NamedFile, ask: AskPassword): string {
  const password = ask();
  if (password === undefined) throw passwordError(file, false);
  return password;
}

function decrypt(der: Uint8Array, file: NamedFile, password: string): Uint8Array {
  try {
    const { algorithm, data } = decodeEncrypted(new DerReader(der).enter(TAG.sequence));
    return decryptPbe(algorithm, data, password);
  } catch (error) {
    if (error instanceof DerError) throw file.refuse("bad_key", "holds a damaged private key");
    if (error instanceof PbeError && error.kind === "wrong") throw passwordError(file, true);
    if (error instanceof PbeError) throw unsupported(file, error.message);
    throw error;
  }
}

/** A `Proc-Type` header: the runtime derives the key from it (MD5, RFC 1421). */
function openOldPem(pem: string, file: NamedFile, password: string): KeyObject {
  try {
    return createPrivateKey({ key: pem, passphrase: password });
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ERR_OSSL_PEM_UNSUPPORTED_ENCRYPTION") throw unsupported(file, "its cipher is not known");
    throw passwordError(file, true);
  }
}

/** `decrypted`: a wrong password that happens to leave valid padding shows only here. */
function parseKey(der: Uint8Array, type: "pkcs8" | "pkcs1" | "sec1", file: NamedFile, decrypted: boolean): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: "der", type });
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ERR_OSSL_EVP_UNSUPPORTED_ALGORITHM") {
      const hint = "use RSA, P-256, P-384, P-521 or Ed25519";
      throw file.refuse("unsupported_key", "holds a private key of a kind that is not supported", hint);
    }
    if (decrypted) throw passwordError(file, true);
    throw file.refuse("bad_key", "holds a damaged private key", "check it with: openssl pkey -check -noout -in FILE");
  }
}

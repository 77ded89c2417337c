/** The key to which MySQL clients without TLS encrypt their passwords: made once, when the first is there. Sends nothing. */
import { constants, generateKeyPair, privateDecrypt, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import type { PasswordKey } from "../session/mysql-starttls.ts";

/** Bits; the same as MySQL makes for itself. */
const LENGTH = 2048;

let made: Promise<PasswordKey> | undefined;

/** Lives as long as the process. Takes a tenth of a second, once, off the event loop. */
export function passwordKey(): Promise<PasswordKey> {
  return (made ??= make());
}

async function make(): Promise<PasswordKey> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: LENGTH });
  return {
    pem: Buffer.from(publicKey.export({ type: "spki", format: "pem" }) as string),
    open: (encrypted) => decrypt(privateKey, encrypted),
  };
}

/** OAEP with SHA-1 (RFC 8017 section 7.1), which MySQL's clients take. */
function decrypt(key: KeyObject, encrypted: Uint8Array): Uint8Array | undefined {
  try {
    return privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha1" }, encrypted);
  } catch {
    return undefined;
  }
}

/** From a password to the key that wraps data keys. Reads no file. */
import { scrypt } from "node:crypto";
import { decodeBase64 } from "./base64.ts";

export const KEY_BYTES = 32;
export const SALT_BYTES = 32;

/** What libsodium calls interactive: 16 MiB and about 0.1 s. The runtime's own is twice as fast as one in JavaScript. */
const SCRYPT = { N: 16_384, r: 8, p: 1, maxmem: 64 * 2 ** 20 };
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** The key that wraps the data keys of a keyring, and the salt that goes into the file where a password was stretched. */
export interface MasterKey {
  readonly key: Uint8Array;
  readonly salt: Uint8Array | undefined;
}

/** What of the operating system's randomness: so many bytes. */
export type Random = (length: number) => Uint8Array;

/** A master key made of nothing but chance, and the password that says it: base64. */
export function randomMasterKey(random: Random): { master: MasterKey; password: string } {
  const key = random(KEY_BYTES);
  return { master: { key, salt: undefined }, password: Buffer.from(key).toString("base64") };
}

/** A master key stretched from a password of somebody's own, whose bytes all count, with a new salt. */
export async function stretchedMasterKey(password: Uint8Array, random: Random): Promise<MasterKey> {
  const salt = random(SALT_BYTES);
  return { key: await stretch(password, salt), salt };
}

/**
 * The keys that `password` can mean, likeliest first. All its bytes count under a salt; but a newline at the end of a file
 * is lost on its way into an environment variable, and editors add one: without it and with it are tried too. None where
 * there is no salt and the password is not base64 of 32 bytes.
 */
export async function* masterKeys(password: Uint8Array, salt: Uint8Array | undefined): AsyncGenerator<MasterKey> {
  const bare = withoutNewline(password);
  if (salt === undefined) {
    const key = decodeBase64(Buffer.from(bare).toString("latin1"), KEY_BYTES);
    if (key !== undefined) yield { key, salt };
    return;
  }
  yield { key: await stretch(password, salt), salt };
  const other = bare.length < password.length ? bare : Buffer.concat([password, Uint8Array.of(NEWLINE)]);
  yield { key: await stretch(other, salt), salt };
}

function withoutNewline(bytes: Uint8Array): Uint8Array {
  if (bytes.at(-1) !== NEWLINE) return bytes;
  return bytes.subarray(0, bytes.at(-2) === RETURN ? -2 : -1);
}

function stretch(password: Uint8Array, salt: Uint8Array): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  scrypt(password, salt, KEY_BYTES, SCRYPT, (error, key) => (error ? reject(error) : resolve(key)));
  return promise;
}

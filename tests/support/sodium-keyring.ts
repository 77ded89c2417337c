/** Keyrings written and read by libsodium, from the description of the format alone. Shares no code with the program. */
import { scryptInteractive, secretbox, secretboxOpen } from "./libsodium.ts";

export interface SodiumKeyring {
  /** Where there is no salt, base64 of 32 bytes. */
  password: string;
  salt?: Uint8Array;
  /** In the order in which they are to stand in the file. */
  keys: readonly (readonly [id: bigint, key: Uint8Array])[];
}

export const randomBytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** A password that is a master key. */
export const randomPassword = (): string => base64(randomBytes(32));

/** The data keys `ids`, all random. */
export const randomKeys = (ids: Iterable<bigint>): [bigint, Uint8Array][] =>
  Array.from(ids, (id) => [id, randomBytes(32)]);

export function writeSodiumKeyring({ password, salt, keys }: SodiumKeyring): string {
  const master = masterKey(password, salt);
  const lines = keys.map(([id, key]) => {
    const nonce = randomBytes(24);
    return `${id} = "${base64(Buffer.concat([nonce, secretbox(key, nonce, master)]))}"\n`;
  });
  return `${salt === undefined ? "" : `salt = "${base64(salt)}"\n\n`}[keys]\n${lines.join("")}`;
}

/** The data keys in the order of the file; undefined for each that the password does not open. */
export function readSodiumKeyring(text: string, password: string): Map<bigint, Uint8Array | undefined> {
  const salt = /^salt = "([^"]*)"$/m.exec(text)?.[1];
  const master = masterKey(password, salt === undefined ? undefined : Buffer.from(salt, "base64"));
  const entries = [...text.matchAll(/^(\d+) = "([^"]*)"$/gm)].map(([, id, blob]) => {
    const bytes = new Uint8Array(Buffer.from(blob!, "base64"));
    return [BigInt(id!), secretboxOpen(bytes.slice(24), bytes.slice(0, 24), master)] as const;
  });
  return new Map(entries);
}

function masterKey(password: string, salt: Uint8Array | undefined): Uint8Array {
  return salt === undefined
    ? new Uint8Array(Buffer.from(password, "base64"))
    : scryptInteractive(Buffer.from(password), salt);
}

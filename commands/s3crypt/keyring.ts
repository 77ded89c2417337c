/** The keyring of s3crypt: text to wrapped keys, wrapped keys to data keys, and new texts. KEYRING.md is the format. Touches no file. */
import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { TomlError } from "smol-toml";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { decodeBase64 } from "./base64.ts";
import { parseToml, printKeyring, rewrite, type TomlTable } from "./keyring-text.ts";
import { KEY_BYTES, masterKeys, SALT_BYTES, type MasterKey, type Random } from "./master-key.ts";

export interface DataKeys {
  /** The data key of `id`, 32 bytes; undefined where the keyring has none. */
  get(id: bigint): Uint8Array | undefined;
  /** What new objects are encrypted with: the numerically largest id. */
  readonly newest: { readonly id: bigint; readonly key: Uint8Array };
  /** Ascending, numerically. */
  readonly ids: readonly bigint[];
}

/** A keyring as it is written: nobody has shown a password. */
export interface Keyring {
  readonly text: string;
  /** What the file is called in messages. */
  readonly name: string;
  readonly salt: Uint8Array | undefined;
  /** Wrapped keys in ascending order of their ids; at least one. */
  readonly wrapped: ReadonlyMap<bigint, Uint8Array>;
  readonly ids: readonly bigint[];
}

/** A keyring whose keys are all open. */
export interface OpenKeyring {
  readonly master: MasterKey;
  readonly keys: DataKeys;
}

/** nonce, tag, key: crypto_secretbox of libsodium, in its order, behind the nonce. */
const NONCE_BYTES = 24;
const WRAPPED_BYTES = NONCE_BYTES + 16 + KEY_BYTES;
const LARGEST_ID = 2n ** 64n - 1n;

/** Throws `PortailError` (65) for what is no keyring. Messages quote no value of it. */
export function parseKeyring(text: string, name: string): Keyring {
  const { salt, keys } = parseDocument(text, name);
  if (salt !== undefined && typeof salt !== "string") throw bad(name, "its salt is no string");
  const saltBytes = salt === undefined ? undefined : decodeBase64(salt, SALT_BYTES);
  if (salt !== undefined && saltBytes === undefined) throw bad(name, `its salt is not base64 of ${SALT_BYTES} bytes`);
  if (!isTable(keys)) throw bad(name, "it has no table [keys]");
  const wrapped = new Map<bigint, Uint8Array>();
  const entries = Object.entries(keys).map(([id, value]) => [parseId(name, id), value] as const);
  for (const [id, value] of entries.toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const bytes = typeof value === "string" ? decodeBase64(value, WRAPPED_BYTES) : undefined;
    if (bytes === undefined) throw bad(name, `key ${id} is not base64 of ${WRAPPED_BYTES} bytes`);
    wrapped.set(id, bytes);
  }
  if (wrapped.size === 0) throw bad(name, "it has no key");
  return { text, name, salt: saltBytes, wrapped, ids: [...wrapped.keys()] };
}

/**
 * Opens every key. Throws `PortailError` (65): `s3crypt.wrong_password`, or `s3crypt.damaged_key` where the password opens
 * some keys but not all.
 */
export async function unlockKeyring(keyring: Keyring, password: Uint8Array): Promise<OpenKeyring> {
  for await (const master of masterKeys(password, keyring.salt)) {
    const opened = unwrapKeys(keyring, master.key);
    if (opened.size === 0) continue;
    const damaged = keyring.ids.filter((id) => !opened.has(id));
    if (damaged.length > 0) throw damagedKeys(keyring.name, damaged);
    return { master, keys: dataKeys(opened, keyring.ids) };
  }
  throw wrongPassword(keyring);
}

/** The data keys that `master` opens, by id. */
export function unwrapKeys({ wrapped }: Keyring, master: Uint8Array): Map<bigint, Uint8Array> {
  const opened = new Map<bigint, Uint8Array>();
  for (const [id, bytes] of wrapped) {
    const key = unwrap(master, bytes);
    if (key !== undefined) opened.set(id, key);
  }
  return opened;
}

/** The text of a new keyring with one key, of id 0. */
export function makeKeyring(master: MasterKey, random: Random): string {
  return printKeyring(saltOf(master), new Map([["0", wrap(master.key, random(KEY_BYTES), random)]]));
}

/** The keyring with one more key, of the largest id + 1. All else stays as it is written. Throws `PortailError` (65). */
export function addKey(keyring: Keyring, master: MasterKey, random: Random): { text: string; id: bigint } {
  const id = keyring.ids.at(-1)! + 1n;
  if (id > LARGEST_ID) throw bad(keyring.name, `there is no id beyond ${LARGEST_ID}`);
  const blob = wrap(master.key, random(KEY_BYTES), random);
  return { text: rewrite(keyring.text, { kind: "add", id: String(id), blob }), id };
}

/** The keyring with the same data keys under another master key. All else stays as it is written. */
export function rewrapKeyring(keyring: Keyring, keys: DataKeys, master: MasterKey, random: Random): string {
  const blobs = keyring.ids.map((id) => [String(id), wrap(master.key, keys.get(id)!, random)] as const);
  return rewrite(keyring.text, { kind: "rewrap", blobs: new Map(blobs), salt: saltOf(master) });
}

function dataKeys(opened: ReadonlyMap<bigint, Uint8Array>, ids: readonly bigint[]): DataKeys {
  const id = ids.at(-1)!;
  return { get: (each) => opened.get(each), newest: { id, key: opened.get(id)! }, ids };
}

/** As it is written. */
function wrap(master: Uint8Array, key: Uint8Array, random: Random): string {
  const nonce = random(NONCE_BYTES);
  return textOf(Buffer.concat([nonce, xsalsa20poly1305(master, nonce).encrypt(key)]));
}

function unwrap(master: Uint8Array, bytes: Uint8Array): Uint8Array | undefined {
  try {
    return xsalsa20poly1305(master, bytes.subarray(0, NONCE_BYTES)).decrypt(bytes.subarray(NONCE_BYTES));
  } catch {
    return undefined;
  }
}

const saltOf = ({ salt }: MasterKey): string | undefined => salt && textOf(salt);

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** The parser's own words are not repeated: they show lines, and the file may be somebody's password by mistake. */
function parseDocument(text: string, name: string): TomlTable {
  try {
    return parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw bad(name, `it is no TOML, or names something twice, at line ${error.line}, column ${error.column}`);
  }
}

/** One spelling per id, so that none can be there twice. */
function parseId(name: string, text: string): bigint {
  const id = /^(?:0|[1-9]\d{0,19})$/.test(text) ? BigInt(text) : undefined;
  if (id === undefined || id > LARGEST_ID) {
    throw bad(name, `${JSON.stringify(text)} is no id of a key`, `ids are whole numbers from 0 to ${LARGEST_ID}`);
  }
  return id;
}

function isTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === null;
}

function bad(name: string, what: string, hint?: string): PortailError {
  const options = { code: "s3crypt.bad_keyring", exit: EXIT.badData, ...(hint !== undefined && { hint }) };
  return new PortailError(`the keyring ${JSON.stringify(name)} is broken: ${what}`, options);
}

function damagedKeys(name: string, ids: readonly bigint[]): PortailError {
  const which = ids.length === 1 ? `key ${ids[0]}` : `keys ${ids.join(", ")}`;
  return new PortailError(`the password opens the keyring ${JSON.stringify(name)}, but not its ${which}`, {
    code: "s3crypt.damaged_key",
    exit: EXIT.badData,
    hint: "those were changed, or wrapped under another password; take them from a copy of the keyring",
  });
}

function wrongPassword({ name, salt }: Keyring): PortailError {
  const hint =
    salt === undefined
      ? "the keyring has no salt: its password is the one of 44 characters that was printed when it was made or rotated"
      : "the keyring has a salt: its password is the one that somebody chose";
  return new PortailError(`the password does not open the keyring ${JSON.stringify(name)}`, {
    code: "s3crypt.wrong_password",
    exit: EXIT.badData,
    hint,
  });
}

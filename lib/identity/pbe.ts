/** Decryption under a password as PKCS#8 and PKCS#12 name it: PBES2 (RFC 8018) and the schemes of RFC 7292 appendix C. Encrypts nothing. */
import { createDecipheriv, pbkdf2Sync, scryptSync } from "node:crypto";
import { contentOf, DerError, DerReader, smallInteger, TAG, type Element } from "../wire/der.ts";
import { decodeAlgorithm, type Algorithm } from "../wire/pkcs12.ts";

/** `wrong`: the password does not fit. `unsupported`: the file names what we do not know, or that costs too much. */
export class PbeError extends Error {
  override readonly name = "PbeError";
  readonly kind: "wrong" | "unsupported";

  constructor(kind: "wrong" | "unsupported", message: string) {
    super(message);
    this.kind = kind;
  }
}

interface Cipher {
  readonly name: string;
  /** Bytes of the key. */
  readonly key: number;
  readonly iv: number;
}

const PBES2 = "1.2.840.113549.1.5.13";
const PBKDF2 = "1.2.840.113549.1.5.12";
const SCRYPT = "1.3.6.1.4.1.11591.4.11";
const PKCS12_PBE = "1.2.840.113549.1.12.1";
const HMACS = "1.2.840.113549.2";
const AES = "2.16.840.1.101.3.4.1";

/** Of PBES2. */
const CIPHERS: Readonly<Record<string, Cipher>> = {
  [`${AES}.2`]: { name: "aes-128-cbc", key: 16, iv: 16 },
  [`${AES}.22`]: { name: "aes-192-cbc", key: 24, iv: 16 },
  [`${AES}.42`]: { name: "aes-256-cbc", key: 32, iv: 16 },
  "1.2.840.113549.3.7": { name: "des-ede3-cbc", key: 24, iv: 8 },
};

/** Of RFC 7292 appendix C, all with SHA-1. */
const OLD_CIPHERS: Readonly<Record<string, Cipher>> = {
  [`${PKCS12_PBE}.3`]: { name: "des-ede3-cbc", key: 24, iv: 8 },
  [`${PKCS12_PBE}.4`]: { name: "des-ede3-cbc", key: 16, iv: 8 },
  [`${PKCS12_PBE}.5`]: { name: "rc2-cbc", key: 16, iv: 8 },
  [`${PKCS12_PBE}.6`]: { name: "rc2-40-cbc", key: 5, iv: 8 },
};

const PRFS: Readonly<Record<string, string>> = {
  [`${HMACS}.7`]: "sha1",
  [`${HMACS}.8`]: "sha224",
  [`${HMACS}.9`]: "sha256",
  [`${HMACS}.10`]: "sha384",
  [`${HMACS}.11`]: "sha512",
};

/** Those that hash in place: nothing is made for each iteration. */
const HASHES = { sha1: Bun.SHA1, sha224: Bun.SHA224, sha256: Bun.SHA256, sha384: Bun.SHA384, sha512: Bun.SHA512 };

/** Some seconds of one core; nobody waits longer for a start. */
const MOST_ITERATIONS = 5_000_000;
const MOST_OLD_ITERATIONS = 1_000_000;
const MOST_SCRYPT_BYTES = 256 * 2 ** 20;

/** The clear text. Throws `PbeError`, or `DerError` for parameters that are none. */
export function decryptPbe(algorithm: Algorithm, data: Uint8Array, password: string): Uint8Array {
  const parameters = algorithm.parameters;
  if (algorithm.oid === PBES2 && parameters !== undefined) return decryptPbes2(within(parameters), data, password);
  const cipher = OLD_CIPHERS[algorithm.oid];
  if (cipher === undefined || parameters === undefined) throw unknown(algorithm.oid);
  const reader = within(parameters);
  const salt = contentOf(reader.read(TAG.octetString));
  const iterations = smallInteger(reader.read(TAG.integer));
  const secret = bmpString(password);
  const key = pkcs12Key("sha1", secret, salt, iterations, "key", cipher.key);
  // Two keys of DES make three: the first is the third too.
  const whole = cipher.name === "des-ede3-cbc" && cipher.key === 16 ? Buffer.concat([key, key.subarray(0, 8)]) : key;
  return decipher(cipher.name, whole, pkcs12Key("sha1", secret, salt, iterations, "iv", cipher.iv), data);
}

/** PBKDF2 or scrypt, whichever `algorithm` names. Throws as `decryptPbe`. */
export function deriveKey(algorithm: Algorithm, password: string, length: number): Uint8Array {
  if (algorithm.parameters === undefined) throw unknown(algorithm.oid);
  const reader = within(algorithm.parameters);
  const salt = contentOf(reader.read(TAG.octetString));
  if (algorithm.oid === SCRYPT) {
    const [N, r, p] = [0, 0, 0].map(() => smallInteger(reader.read(TAG.integer))) as [number, number, number];
    return scryptKey(password, salt, length, { N, r, p });
  }
  if (algorithm.oid !== PBKDF2) throw unknown(algorithm.oid);
  const iterations = smallInteger(reader.read(TAG.integer));
  bound(iterations, MOST_ITERATIONS);
  reader.readIf(TAG.integer);
  const prf = reader.readIf(TAG.sequence);
  const oid = prf === undefined ? `${HMACS}.7` : decodeAlgorithm(within(prf)).oid;
  const digest = PRFS[oid];
  if (digest === undefined) throw unknown(oid);
  return pbkdf2Sync(password, salt, iterations, length, digest);
}

/** The key derivation of RFC 7292 appendix B.2. `secret` is of `bmpString`. Takes about 0.25 µs for each iteration. */
export function pkcs12Key(
  digest: keyof typeof HASHES,
  secret: Uint8Array,
  salt: Uint8Array,
  iterations: number,
  purpose: "key" | "iv" | "mac",
  length: number,
): Uint8Array {
  bound(iterations, MOST_OLD_ITERATIONS);
  const hasher = HASHES[digest];
  const block = digest === "sha384" || digest === "sha512" ? 128 : 64;
  const diversifier = Buffer.alloc(block, { key: 1, iv: 2, mac: 3 }[purpose]);
  const input = Buffer.concat([repeated(salt, block), repeated(secret, block)]);
  const out: Uint8Array[] = [];
  for (let size = 0; size < length; size += out.at(-1)!.length) {
    const a = new Uint8Array(hasher.byteLength);
    hasher.hash(Buffer.concat([diversifier, input]), a);
    for (let i = 1; i < iterations; i++) hasher.hash(a, a);
    out.push(a);
    const b = repeated(a, block).subarray(0, block);
    for (let at = 0; at < input.length; at += block) addPlusOne(input.subarray(at, at + block), b);
  }
  return Buffer.concat(out).subarray(0, length);
}

/** A password as RFC 7292 appendix B.1 wants it: UTF-16, big-endian, two zero bytes behind. */
export function bmpString(password: string): Uint8Array {
  return Buffer.from(`${password}\0`, "utf16le").swap16();
}

function decryptPbes2(parameters: DerReader, data: Uint8Array, password: string): Uint8Array {
  const derivation = decodeAlgorithm(parameters.enter(TAG.sequence));
  const scheme = decodeAlgorithm(parameters.enter(TAG.sequence));
  const cipher = CIPHERS[scheme.oid];
  if (cipher === undefined || scheme.parameters?.tag !== TAG.octetString) throw unknown(scheme.oid);
  return decipher(cipher.name, deriveKey(derivation, password, cipher.key), contentOf(scheme.parameters), data);
}

function scryptKey(
  password: string,
  salt: Uint8Array,
  length: number,
  cost: { N: number; r: number; p: number },
): Uint8Array {
  const { N, r, p } = cost;
  if (128 * r * (N + p) > MOST_SCRYPT_BYTES || p > 64) throw new PbeError("unsupported", "it asks for too much memory");
  try {
    return scryptSync(password, salt, length, { ...cost, maxmem: 2 * MOST_SCRYPT_BYTES });
  } catch {
    throw new PbeError("unsupported", "the costs of its key derivation are none");
  }
}

/** A wrong password shows in the padding; 1 of 256 passes, and then the clear text is nothing that can be read. */
function decipher(name: string, key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array {
  try {
    const cipher = createDecipheriv(name, key, iv);
    return Buffer.concat([cipher.update(data), cipher.final()]);
  } catch {
    throw new PbeError("wrong", "the password does not decrypt it");
  }
}

function within(element: Element): DerReader {
  if (element.tag !== TAG.sequence) throw new DerError("an element has another type");
  return DerReader.within(element);
}

function bound(iterations: number, most: number): void {
  if (iterations < 1 || iterations > most) throw new PbeError("unsupported", "it asks for too many iterations");
}

function unknown(oid: string): PbeError {
  return new PbeError("unsupported", `it is encrypted in a way that is not supported (${oid})`);
}

/** Copies of `bytes` up to a multiple of `block`. */
function repeated(bytes: Uint8Array, block: number): Buffer {
  return Buffer.alloc(block * Math.ceil(bytes.length / block), bytes);
}

/** `a` = `a` + `b` + 1, of numbers that are as long as `a`. */
function addPlusOne(a: Uint8Array, b: Uint8Array): void {
  let carry = 1;
  for (let i = a.length - 1; i >= 0; i--) {
    carry += a[i]! + b[i]!;
    a[i] = carry & 0xff;
    carry >>= 8;
  }
}

/** What the proxy keeps beside an object, sealed under its data key: the size and the MD5 of the plaintext. Bound to one object by its header. */
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hkdfExpand } from "../../../lib/cipher/hkdf.ts";
import { STREAM_HEADER } from "../../../lib/cipher/secretstream.ts";
import type { ObjectHeader } from "../object/header.ts";
import type { Keys } from "../object/open.ts";

/** Undefined is what was not known when the upload began. */
interface SealedFacts {
  readonly size: number | undefined;
  /** 16 bytes. */
  readonly md5: Uint8Array | undefined;
}

const PURPOSE = new TextEncoder().encode("portail s3crypt facts beside an object");
const NONCE = 24;
const HAS_SIZE = 1;
const HAS_MD5 = 2;
/** Flags, size, MD5. */
const FACTS = 1 + 8 + 16;
const MAC = 16;

/** Bytes at the beginning of an object that no other object has: the random header of its stream, or its id and key. */
export function identifyingLength(header: ObjectHeader): number {
  return header.format === "v3" ? header.length : header.length + STREAM_HEADER;
}

/** The text for a header field: `1.KEYID.BASE64URL`. `beginning` is of `identifyingLength`, `nonce` 24 random bytes. */
export function sealFacts(
  { size, md5 }: SealedFacts,
  { id, key }: { id: bigint; key: Uint8Array },
  beginning: Uint8Array,
  nonce: Uint8Array,
): string {
  const plain = new Uint8Array(FACTS);
  plain[0] = (size === undefined ? 0 : HAS_SIZE) | (md5 === undefined ? 0 : HAS_MD5);
  new DataView(plain.buffer).setBigUint64(1, BigInt(size ?? 0), true);
  if (md5 !== undefined) plain.set(md5, 9);
  const sealed = xchacha20poly1305(factsKey(key), nonce, digest(beginning)).encrypt(plain);
  const bound = Buffer.concat([nonce, sealed, digest(beginning)]);
  return `1.${id}.${bound.toString("base64url")}`;
}

/**
 * Opens it. Undefined for what is none of ours, or was changed. `beginning` is the object's where it is at hand: facts of
 * another object are none then. Without, they are those of an object that was written under one of our keys.
 */
export function openFacts(text: string, keys: Keys, beginning?: Uint8Array): SealedFacts | undefined {
  const [, id, encoded] = /^1\.([0-9]{1,20})\.([A-Za-z0-9_-]{108})$/.exec(text) ?? [];
  if (id === undefined || encoded === undefined) return undefined;
  const key = keys.get(BigInt(id));
  const bytes = Buffer.from(encoded, "base64url");
  if (key === undefined || bytes.length !== NONCE + FACTS + MAC + DIGEST) return undefined;
  const bound = bytes.subarray(NONCE + FACTS + MAC);
  if (beginning !== undefined && !digest(beginning).equals(bound)) return undefined;
  try {
    const cipher = xchacha20poly1305(factsKey(key), bytes.subarray(0, NONCE), bound);
    const plain = Uint8Array.from(cipher.decrypt(bytes.subarray(NONCE, NONCE + FACTS + MAC)));
    const flags = plain[0]!;
    return {
      size: flags & HAS_SIZE ? Number(new DataView(plain.buffer).getBigUint64(1, true)) : undefined,
      md5: flags & HAS_MD5 ? plain.slice(9, 25) : undefined,
    };
  } catch {
    return undefined;
  }
}

const DIGEST = 16;

function digest(beginning: Uint8Array): Buffer {
  return Buffer.from(new Bun.CryptoHasher("sha256").update(beginning).digest()).subarray(0, DIGEST);
}

/** The data key itself seals nothing but what the format of ds_proxy has it seal. */
function factsKey(key: Uint8Array): Uint8Array {
  return hkdfExpand(key, PURPOSE, 32);
}

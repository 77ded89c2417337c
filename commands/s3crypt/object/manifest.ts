/** The manifest of an object that was written in parts: which parts count, sealed under the data key. Pure; see FORMAT.md. */
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { equalBytes } from "@noble/ciphers/utils.js";
import { hkdfExpand } from "../../../lib/cipher/hkdf.ts";
import { ObjectError } from "./error.ts";
import { MAGIC } from "./header.ts";
import { Layout, type Part } from "./layout.ts";

const PURPOSE = new TextEncoder().encode("portail s3crypt v3 manifest");
/** Beside those of objects, so that no reader takes it for one. */
const VERSION = 256n;
const KEY_ID = 40;
const OBJECT_ID = 48;
const NONCE = 64;
const SEALED = 88;
const MAC = 16;
/** Number, length, flags, MD5, commitment. */
const ENTRY = 4 + 8 + 4 + 16 + 32;
const HAS_COMMITMENT = 1;
const HAS_MD5 = 2;
const MOST_PARTS = 10_000;
/** The longest there is. */
export const LONGEST_MANIFEST = SEALED + MOST_PARTS * ENTRY + MAC;

/** A part as a manifest has it. */
export type ListedPart = Part & { readonly number: number };

/** `nonce` is 24 random bytes. */
export function sealManifest(
  objectId: Uint8Array,
  parts: readonly ListedPart[],
  { id, key }: { readonly id: bigint; readonly key: Uint8Array },
  nonce: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(SEALED + parts.length * ENTRY + MAC);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setBigUint64(32, VERSION, true);
  view.setBigUint64(KEY_ID, id, true);
  bytes.set(objectId, OBJECT_ID);
  bytes.set(nonce, NONCE);
  parts.forEach(({ number, plain, md5, commitment }, i) => {
    const at = SEALED + i * ENTRY;
    view.setUint32(at, number, true);
    view.setBigUint64(at + 4, BigInt(plain), true);
    const flags = (commitment === undefined ? 0 : HAS_COMMITMENT) | (md5 === undefined ? 0 : HAS_MD5);
    view.setUint32(at + 12, flags, true);
    if (md5 !== undefined) bytes.set(md5, at + 16);
    if (commitment !== undefined) bytes.set(commitment, at + 32);
  });
  const sealed = cipherOf(key, bytes).encrypt(bytes.slice(SEALED, bytes.length - MAC));
  bytes.set(sealed, SEALED);
  return bytes;
}

/** What the manifest says of the object that has this id and key. Throws `ObjectError` for what is none of it. */
export function openManifest(bytes: Uint8Array, objectId: Uint8Array, keyId: bigint, key: Uint8Array): Layout {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = (bytes.length - SEALED - MAC) / ENTRY;
  const isOne =
    Number.isInteger(count) &&
    count >= 1 &&
    count <= MOST_PARTS &&
    equalBytes(bytes.slice(0, MAGIC.length), MAGIC) &&
    view.getBigUint64(32, true) === VERSION &&
    view.getBigUint64(KEY_ID, true) === keyId &&
    equalBytes(bytes.slice(OBJECT_ID, NONCE), objectId);
  if (!isOne) throw new ObjectError("forged", "the manifest is not one of this object");
  let plain: Uint8Array;
  try {
    plain = cipherOf(key, bytes).decrypt(bytes.slice(SEALED));
  } catch {
    throw new ObjectError("forged", "the manifest is not as it was written");
  }
  return new Layout(objectId, keyId, true, partsOf(plain));
}

function partsOf(plain: Uint8Array): ListedPart[] {
  const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
  return Array.from({ length: plain.length / ENTRY }, (_, i) => {
    const at = i * ENTRY;
    const flags = view.getUint32(at + 12, true);
    return {
      number: view.getUint32(at, true),
      plain: Number(view.getBigUint64(at + 4, true)),
      md5: flags & HAS_MD5 ? plain.slice(at + 16, at + 32) : undefined,
      commitment: flags & HAS_COMMITMENT ? plain.slice(at + 32, at + ENTRY) : undefined,
    };
  });
}

/** The data key itself seals nothing else than what the format of ds_proxy has it seal. */
function cipherOf(key: Uint8Array, bytes: Uint8Array) {
  return xchacha20poly1305(hkdfExpand(key, PURPOSE, 32), bytes.slice(NONCE, SEALED), bytes.slice(0, NONCE));
}

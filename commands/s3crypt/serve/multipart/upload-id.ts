/** The upload ids that clients get: the storage's own, and behind it what the proxy must know of the upload, sealed and bound to its place. Pure. */
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hkdfExpand } from "../../../../lib/cipher/hkdf.ts";
import type { Keys } from "../../object/open.ts";

const PURPOSE = new TextEncoder().encode("portail s3crypt v3 upload id");
const NONCE = 24;
const KEY_ID = 8;
const OBJECT_ID = 16;
const MAC = 16;
const LENGTH = KEY_ID + NONCE + OBJECT_ID + MAC;

/** An upload under way. All of its parts are by one data key, the newest when it began. */
export interface Upload {
  /** As the storage names it. */
  readonly upstreamId: string;
  readonly objectId: Uint8Array;
  readonly keyId: bigint;
  readonly key: Uint8Array;
}

/** Where an upload is to become an object: its id means nothing elsewhere. */
export interface UploadPlace {
  readonly bucket: string;
  readonly key: string;
}

/** `STORAGE'S.BASE64URL`. `nonce` is 24 random bytes. */
export function sealUploadId(upload: Upload, place: UploadPlace, nonce: Uint8Array): string {
  const bytes = new Uint8Array(LENGTH);
  new DataView(bytes.buffer).setBigUint64(0, upload.keyId, true);
  bytes.set(nonce, KEY_ID);
  bytes.set(cipherOf(upload.key, nonce, upload.upstreamId, place).encrypt(upload.objectId), KEY_ID + NONCE);
  return `${upload.upstreamId}.${Buffer.from(bytes).toString("base64url")}`;
}

/** Undefined for what is no upload id of ours, or one of another place. */
export function openUploadId(text: string, place: UploadPlace, keys: Keys): Upload | undefined {
  const dot = text.lastIndexOf(".");
  const [upstreamId, encoded] = [text.slice(0, Math.max(dot, 0)), text.slice(dot + 1)];
  const bytes = Uint8Array.from(Buffer.from(encoded, "base64url"));
  if (upstreamId === "" || bytes.length !== LENGTH || Buffer.from(bytes).toString("base64url") !== encoded)
    return undefined;
  const keyId = new DataView(bytes.buffer).getBigUint64(0, true);
  const key = keys.get(keyId);
  if (key === undefined) return undefined;
  try {
    const cipher = cipherOf(key, bytes.slice(KEY_ID, KEY_ID + NONCE), upstreamId, place);
    return { upstreamId, keyId, key, objectId: cipher.decrypt(bytes.slice(KEY_ID + NONCE)) };
  } catch {
    return undefined;
  }
}

function cipherOf(key: Uint8Array, nonce: Uint8Array, upstreamId: string, { bucket, key: name }: UploadPlace) {
  // Each with its end: no two places are bound alike.
  const bound = Buffer.from(JSON.stringify([bucket, name, upstreamId]));
  return xchacha20poly1305(hkdfExpand(key, PURPOSE, 32), nonce, Uint8Array.from(bound));
}

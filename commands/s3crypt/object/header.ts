/** What an encrypted object begins with: which format it is in, by which key. Opens nothing. See FORMAT.md. */
import { CHUNK } from "../../../lib/cipher/cobblestone.ts";
import { ObjectError } from "./error.ts";

export const MAGIC = new TextEncoder().encode("J'apercus l'audacieux capitaine.");
const BASE = 48;
const KEYED = 56;
const FLAGS = 56;
const PART = 60;
const OBJECT_ID = 64;
const WRAPPED = 80;
/** A sealed key: 24 bytes of nonce, the key, 16 of MAC. */
export const WRAPPED_KEY = 72;
/** Of an object that was written in one piece. */
export const V3_HEADER = WRAPPED + WRAPPED_KEY;
/** Of a part: the length of its plaintext stands in front of the wrapped key. */
export const PART_HEADER = V3_HEADER + 8;
/** What must be seen of an object, at most, before it can be told what it is. */
export const LONGEST_HEADER = Math.max(V3_HEADER, PART_HEADER);
/** The most that a reader takes, lest one message be all of its memory. */
const LARGEST_CHUNK = 16 * 1024 * 1024;
/** S3 has no other parts. */
const LAST_PART = 10_000;
const LARGEST_PART = 2n ** 43n;

/** Bits of `flags`. A reader that does not know one cannot know what else differs. */
export const FLAG = {
  /** It is a part, and counts only as the manifest of its object says. */
  manifest: 1,
} as const;

/** Messages of a secretstream: the format of ds_proxy, written since its versions 1 and 2. */
export interface Ds2Header {
  readonly format: "ds2";
  readonly version: 1 | 2;
  /** Plaintext bytes of a message. */
  readonly chunkSize: number;
  readonly keyId: bigint;
  readonly length: number;
}

/** Chunks that open in any order, by a key of the object's own. */
export interface V3Header {
  readonly format: "v3";
  readonly version: 3;
  readonly chunkSize: number;
  readonly keyId: bigint;
  readonly length: number;
  /** Of `FLAG`. */
  readonly flags: number;
  /** From 1 on; 0 of an object that was written in one piece. */
  readonly part: number;
  /** 16 random bytes; the same in all parts of an object. */
  readonly objectId: Uint8Array;
  /** Bytes of plaintext of a part; undefined of an object that was written in one piece. */
  readonly plain: number | undefined;
  readonly wrappedKey: Uint8Array;
  /** All of it, which every chunk is bound to. */
  readonly bytes: Uint8Array;
}

export type ObjectHeader = Ds2Header | V3Header;

/**
 * The header at the beginning of `bytes`; undefined where more is needed to tell; `plaintext` for what is no encrypted
 * object. `ended`: no more will come. Throws `ObjectError` for a header that is cut off or of no known kind.
 */
export function decodeHeader(bytes: Uint8Array, ended: boolean): ObjectHeader | "plaintext" | undefined {
  const known = Math.min(bytes.length, MAGIC.length);
  for (let i = 0; i < known; i++) if (bytes[i] !== MAGIC[i]) return "plaintext";
  if (bytes.length < MAGIC.length) return ended ? "plaintext" : undefined;
  if (bytes.length < BASE) return cutOff(ended);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getBigUint64(32, true);
  const size = view.getBigUint64(40, true);
  if (version < 1n || version > 3n)
    throw new ObjectError("header", `the object says that its format is version ${version}, which is not known`);
  if (size < 1n || size > BigInt(LARGEST_CHUNK) || (version === 3n && size !== BigInt(CHUNK)))
    throw new ObjectError("header", `the object says that its chunks are of ${size} bytes, which cannot be`);
  const chunkSize = Number(size);
  if (version === 1n) return { format: "ds2", version: 1, chunkSize, keyId: 0n, length: BASE };
  if (bytes.length < KEYED) return cutOff(ended);
  const keyId = view.getBigUint64(48, true);
  if (version === 2n) return { format: "ds2", version: 2, chunkSize, keyId, length: KEYED };
  if (bytes.length < V3_HEADER) return cutOff(ended);
  const flags = view.getUint32(FLAGS, true);
  if ((flags & ~FLAG.manifest) !== 0)
    throw new ObjectError("header", `the object has flags that are not known: ${flags.toString(2)} (binary)`);
  const part = view.getUint32(PART, true);
  if (part > LAST_PART || part > 0 !== ((flags & FLAG.manifest) !== 0))
    throw new ObjectError("header", `the object says that it is part ${part}, with flags that such a one has not`);
  const length = part === 0 ? V3_HEADER : PART_HEADER;
  if (bytes.length < length) return cutOff(ended);
  const plain = part === 0 ? undefined : view.getBigUint64(WRAPPED, true);
  if (plain !== undefined && plain > LARGEST_PART)
    throw new ObjectError("header", `the object says that it is a part of ${plain} bytes, which cannot be`);
  // A copy: whoever reads may use its memory again, and slices of a Buffer are views.
  const own = Uint8Array.from(bytes.subarray(0, length));
  return {
    format: "v3",
    version: 3,
    chunkSize,
    keyId,
    length,
    flags,
    part,
    objectId: own.subarray(OBJECT_ID, WRAPPED),
    plain: plain === undefined ? undefined : Number(plain),
    wrappedKey: own.subarray(length - WRAPPED_KEY),
    bytes: own,
  };
}

function cutOff(ended: boolean): undefined {
  if (ended) throw new ObjectError("truncated", "the object ends within its header");
}

/** Of version 2: what is written in the format of ds_proxy. */
export function encodeDs2Header(chunkSize: number, keyId: bigint): Uint8Array {
  return encode(KEYED, 2, chunkSize, keyId);
}

/** Up to where the wrapped key stands, as its last 72 bytes; the key is bound to what this says. */
export function encodeV3Header(
  fields: Pick<V3Header, "chunkSize" | "keyId" | "flags" | "part" | "objectId" | "plain">,
): Uint8Array {
  const bytes = encode(fields.part === 0 ? V3_HEADER : PART_HEADER, 3, fields.chunkSize, fields.keyId);
  const view = new DataView(bytes.buffer);
  view.setUint32(FLAGS, fields.flags, true);
  view.setUint32(PART, fields.part, true);
  bytes.set(fields.objectId, OBJECT_ID);
  if (fields.part !== 0) view.setBigUint64(WRAPPED, BigInt(fields.plain!), true);
  return bytes;
}

function encode(length: number, version: number, chunkSize: number, keyId: bigint): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setBigUint64(32, BigInt(version), true);
  view.setBigUint64(40, BigInt(chunkSize), true);
  view.setBigUint64(48, keyId, true);
  return bytes;
}

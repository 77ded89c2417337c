/** The checksums that S3 clients send with an object: by what header, how computed, how put together from parts. Compares none. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { combineCrc, type CombinedCrc } from "../../lib/wire/crc-combine.ts";
import { Crc32c } from "../../lib/wire/crc32c.ts";
import { Crc64Nvme } from "../../lib/wire/crc64nvme.ts";
import { bad, type Checked } from "../../lib/wire/decode.ts";
import type { Field } from "../../lib/wire/http-forward.ts";

/** A checksum of bytes that come in pieces. */
export interface Checksum {
  readonly name: ChecksumName;
  update(bytes: Uint8Array): void;
  /** Ends it. */
  digest(): Uint8Array;
}

export type ChecksumName = keyof typeof CHECKSUMS;

/** A checksum that somebody claims. */
export interface Claimed {
  name: ChecksumName;
  value: Uint8Array;
}

/** `bytes` is the length of a value; MD5 has a header of its own and no multipart form. */
export const CHECKSUMS = {
  CRC32: { header: "x-amz-checksum-crc32", bytes: 4, multipart: ["COMPOSITE", "FULL_OBJECT"] },
  CRC32C: { header: "x-amz-checksum-crc32c", bytes: 4, multipart: ["COMPOSITE", "FULL_OBJECT"] },
  CRC64NVME: { header: "x-amz-checksum-crc64nvme", bytes: 8, multipart: ["FULL_OBJECT"] },
  SHA1: { header: "x-amz-checksum-sha1", bytes: 20, multipart: ["COMPOSITE"] },
  SHA256: { header: "x-amz-checksum-sha256", bytes: 32, multipart: ["COMPOSITE"] },
  MD5: { header: "content-md5", bytes: 16, multipart: [] },
} as const satisfies Record<string, { header: string; bytes: number; multipart: ("COMPOSITE" | "FULL_OBJECT")[] }>;

const NAMES = Object.keys(CHECKSUMS) as ChecksumName[];
const BY_HEADER = new Map(NAMES.map((name) => [CHECKSUMS[name].header as string, name]));

/** Headers of the same prefix that hold no checksum. */
const NO_CHECKSUMS = new Set(["x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type"]);

export function startChecksum(name: ChecksumName): Checksum {
  if (name === "CRC32") return new Crc32();
  if (name === "CRC32C") return new Crc32cChecksum();
  if (name === "CRC64NVME") return new Crc64Checksum();
  const hash = createHash(name.toLowerCase());
  return { name, update: (bytes) => void hash.update(bytes), digest: () => Uint8Array.from(hash.digest()) };
}

class Crc32 implements Checksum {
  readonly name = "CRC32";
  #value = 0;

  update(bytes: Uint8Array): void {
    this.#value = crc32(bytes, this.#value);
  }

  digest(): Uint8Array {
    return bigEndian(this.#value);
  }
}

class Crc32cChecksum implements Checksum {
  readonly name = "CRC32C";
  readonly #crc = new Crc32c();

  update(bytes: Uint8Array): void {
    this.#crc.update(bytes);
  }

  digest(): Uint8Array {
    return bigEndian(this.#crc.value);
  }
}

class Crc64Checksum implements Checksum {
  readonly name = "CRC64NVME";
  readonly #crc = new Crc64Nvme();

  update(bytes: Uint8Array): void {
    this.#crc.update(bytes);
  }

  digest(): Uint8Array {
    return this.#crc.digest();
  }
}

function bigEndian(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** The algorithm that a header or trailer of this name, in any case, has a value of. */
export function checksumOfHeader(name: string): ChecksumName | undefined {
  return BY_HEADER.get(name.toLowerCase());
}

/** The value of a checksum header: base64 with its padding, of the algorithm's length, and written as we would. */
export function parseChecksum(name: ChecksumName, text: string): Uint8Array | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.length === CHECKSUMS[name].bytes && bytes.toString("base64") === text
    ? Uint8Array.from(bytes)
    : undefined;
}

export function formatChecksum(value: Uint8Array): string {
  return Buffer.from(value).toString("base64");
}

/**
 * The checksums of the content that fields, of a head or a trailer, claim. A checksum that nobody here can compute is
 * `bad`, for it could not be verified; so is one that is given twice.
 */
export function claimedChecksums(fields: readonly Field[]): Checked<Claimed[]> {
  const claimed = new Map<ChecksumName, Uint8Array>();
  for (const [field, text] of fields) {
    const lower = field.toLowerCase();
    const name = BY_HEADER.get(lower);
    if (name === undefined) {
      if (lower.startsWith("x-amz-checksum-") && !NO_CHECKSUMS.has(lower)) return bad(`${lower} is not known`);
      continue;
    }
    const value = parseChecksum(name, text);
    if (value === undefined) return bad(`${lower} is no base64 of ${CHECKSUMS[name].bytes} bytes`);
    if (claimed.has(name)) return bad(`${lower} is given twice`);
    claimed.set(name, value);
  }
  return { kind: "ok", value: [...claimed].map(([name, value]) => ({ name, value })) };
}

/** A part of a multipart upload, in order: its checksum and its length in bytes. */
export interface PartChecksum {
  value: Uint8Array;
  length: number;
}

/** `x-amz-checksum-type: COMPOSITE`: the checksum of the checksums of all parts, and how many they are. */
export function compositeChecksum(name: ChecksumName, parts: readonly PartChecksum[]): string {
  const checksum = startChecksum(name);
  for (const part of parts) checksum.update(part.value);
  return `${formatChecksum(checksum.digest())}-${parts.length}`;
}

/** `x-amz-checksum-type: FULL_OBJECT`: the checksum of the whole, from those of its parts. */
export function fullObjectChecksum(name: CombinedCrc, parts: readonly PartChecksum[]): Uint8Array {
  let whole: Uint8Array = new Uint8Array(CHECKSUMS[name].bytes);
  for (const part of parts) whole = combineCrc(name, whole, part.value, part.length);
  return whole;
}

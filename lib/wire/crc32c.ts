/** CRC-32C (Castagnoli), as S3, iSCSI and the PROXY protocol use it (RFC 3720 appendix B.4). A check against accidents, no seal. */

/** The polynomial, bits reversed. */
const POLYNOMIAL = 0x82f6_3b78;

/** Eight tables of 256, one after the other: what a byte does to the remainder with 0 to 7 bytes behind it. */
const TABLES = tables();

function tables(): Int32Array {
  const made = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
    made[byte] = value;
  }
  for (let i = 256; i < made.length; i++) {
    const before = made[i - 256]!;
    made[i] = made[before & 255]! ^ (before >>> 8);
  }
  return made;
}

/** The checksum of bytes that come in pieces; eight bytes at a step (slicing-by-8). */
export class Crc32c {
  #rest = -1;

  update(bytes: Uint8Array): this {
    const t = TABLES;
    let rest = this.#rest;
    let i = 0;
    for (const end = bytes.length - 7; i < end; i += 8) {
      rest ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
      rest =
        t[1792 + (rest & 255)]! ^
        t[1536 + ((rest >>> 8) & 255)]! ^
        t[1280 + ((rest >>> 16) & 255)]! ^
        t[1024 + (rest >>> 24)]! ^
        t[768 + bytes[i + 4]!]! ^
        t[512 + bytes[i + 5]!]! ^
        t[256 + bytes[i + 6]!]! ^
        t[bytes[i + 7]!]!;
    }
    for (; i < bytes.length; i++) rest = t[(rest ^ bytes[i]!) & 255]! ^ (rest >>> 8);
    this.#rest = rest;
    return this;
  }

  /** Of all bytes so far, as an unsigned number; more may follow. */
  get value(): number {
    return ~this.#rest >>> 0;
  }
}

const FOUR_ZEROS = new Uint8Array(4);

/** The checksum of `bytes`, in which the four from `hole` on count as zero; that is where a header holds its own. */
export function crc32c(bytes: Uint8Array, hole = -4): number {
  const crc = new Crc32c();
  if (hole < 0) return crc.update(bytes).value;
  const zeros = FOUR_ZEROS.subarray(0, Math.max(0, bytes.length - hole));
  return crc
    .update(bytes.subarray(0, hole))
    .update(zeros)
    .update(bytes.subarray(hole + 4)).value;
}

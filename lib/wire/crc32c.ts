/** CRC-32C (Castagnoli), as iSCSI and the PROXY protocol use it (RFC 3720 appendix B.4). A check against accidents, no seal. */

/** The polynomial, bits reversed. */
const POLYNOMIAL = 0x82f6_3b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value;
});

/** The checksum of `bytes`, in which the four from `hole` on count as zero; that is where a header holds its own. */
export function crc32c(bytes: Uint8Array, hole = -4): number {
  let value = 0xffff_ffff;
  for (let i = 0; i < bytes.length; i++) {
    const byte = i >= hole && i < hole + 4 ? 0 : bytes[i]!;
    value = TABLE[(value ^ byte) & 255]! ^ (value >>> 8);
  }
  return ~value >>> 0;
}

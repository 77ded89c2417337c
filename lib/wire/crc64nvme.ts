/** CRC-64/NVME, the checksum that S3 clients send by default (NVM Express command set 1.0d, figure 122). A check against accidents, no seal. */

/** The polynomial, bits reversed, in halves. */
const HIGH = 0x9a6c_9329;
const LOW = 0xac4b_c9b5;

/**
 * Eight tables of 256 remainders, one after the other: what a byte does with 0 to 7 bytes behind it. A remainder is
 * its high half and then its low half, for numbers of 64 bits are slow here.
 */
const TABLES = tables();

function tables(): Int32Array {
  const made = new Int32Array(8 * 256 * 2);
  for (let byte = 0; byte < 256; byte++) {
    let high = 0;
    let low = byte;
    for (let bit = 0; bit < 8; bit++) {
      const odd = low & 1;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (odd) {
        high ^= HIGH;
        low ^= LOW;
      }
    }
    made[2 * byte] = high;
    made[2 * byte + 1] = low;
  }
  for (let i = 512; i < made.length; i += 2) {
    const high = made[i - 512]!;
    const low = made[i - 511]!;
    const at = 2 * (low & 255);
    made[i] = made[at]! ^ (high >>> 8);
    made[i + 1] = made[at + 1]! ^ ((low >>> 8) | (high << 24));
  }
  return made;
}

/** The checksum of bytes that come in pieces; eight bytes at a step (slicing-by-8). */
export class Crc64Nvme {
  #high = -1;
  #low = -1;

  update(bytes: Uint8Array): this {
    const t = TABLES;
    let high = this.#high;
    let low = this.#low;
    let i = 0;
    for (const end = bytes.length - 7; i < end; i += 8) {
      low ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
      high ^= bytes[i + 4]! | (bytes[i + 5]! << 8) | (bytes[i + 6]! << 16) | (bytes[i + 7]! << 24);
      const a = 3584 + ((low & 255) << 1);
      const b = 3072 + ((low >>> 7) & 510);
      const c = 2560 + ((low >>> 15) & 510);
      const d = 2048 + ((low >>> 23) & 510);
      const e = 1536 + ((high & 255) << 1);
      const f = 1024 + ((high >>> 7) & 510);
      const g = 512 + ((high >>> 15) & 510);
      const h = (high >>> 23) & 510;
      high = t[a]! ^ t[b]! ^ t[c]! ^ t[d]! ^ t[e]! ^ t[f]! ^ t[g]! ^ t[h]!;
      low = t[a + 1]! ^ t[b + 1]! ^ t[c + 1]! ^ t[d + 1]! ^ t[e + 1]! ^ t[f + 1]! ^ t[g + 1]! ^ t[h + 1]!;
    }
    for (; i < bytes.length; i++) {
      const at = ((low ^ bytes[i]!) & 255) << 1;
      low = t[at + 1]! ^ ((low >>> 8) | (high << 24));
      high = t[at]! ^ (high >>> 8);
    }
    this.#high = high;
    this.#low = low;
    return this;
  }

  /** Of all bytes so far: eight bytes, the highest first; more may follow. */
  digest(): Uint8Array {
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    view.setInt32(0, ~this.#high);
    view.setInt32(4, ~this.#low);
    return bytes;
  }
}

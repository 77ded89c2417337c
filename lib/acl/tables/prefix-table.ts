/** A set of networks, each with a number, and which of them hold an address. Not for deletion. */
import { type Cidr, type Ip, wordMask } from "../../wire/ip.ts";

/** A lookup costs one probe per distinct prefix length of the address's family, whatever the size. */
export class PrefixTable {
  /** Five words a network: length, then the four words of the base. */
  #keys = new Int32Array(5 * 8);
  #slots = new Int32Array(16);
  #size = 0;
  /** Distinct lengths in ascending order, by family. */
  #lengths4: number[] = [];
  #lengths6: number[] = [];

  get size(): number {
    return this.#size;
  }

  /** The number of the network, new or known; numbers count from 0 in order of adding. */
  add({ base, length }: Cidr): number {
    // A mapped prefix shorter than 96 bits cannot occur: parseCidr refuses it.
    const lengths = base.family === 4 ? this.#lengths4 : this.#lengths6;
    const known = this.#probe(length, base.a | 0, base.b | 0, base.c | 0, base.d | 0);
    if (known >= 0) return known;
    if (!lengths.includes(length)) {
      lengths.push(length);
      lengths.sort((x, y) => x - y);
    }
    if ((this.#size + 1) * 5 > this.#keys.length) {
      const keys = new Int32Array(this.#keys.length * 2);
      keys.set(this.#keys);
      this.#keys = keys;
    }
    this.#keys.set([length, base.a, base.b, base.c, base.d], this.#size * 5);
    this.#size++;
    if (this.#size * 2 > this.#slots.length) this.#rehash();
    else this.#place(this.#size - 1);
    return this.#size - 1;
  }

  /** Whether a network holds the address. */
  has(ip: Ip): boolean {
    const lengths = ip.family === 4 ? this.#lengths4 : this.#lengths6;
    for (let i = 0; i < lengths.length; i++) if (this.#lookup(ip, lengths[i]!) >= 0) return true;
    return false;
  }

  /** The numbers of the networks that hold the address, widest first, written to `out` (129 places are enough). Returns how many. */
  holders(ip: Ip, out: Int32Array): number {
    const lengths = ip.family === 4 ? this.#lengths4 : this.#lengths6;
    let count = 0;
    for (let i = 0; i < lengths.length; i++) {
      const found = this.#lookup(ip, lengths[i]!);
      if (found >= 0) out[count++] = found;
    }
    return count;
  }

  #lookup(ip: Ip, length: number): number {
    return this.#probe(
      length,
      ip.a & wordMask(length),
      ip.b & wordMask(length - 32),
      ip.c & wordMask(length - 64),
      ip.d & wordMask(length - 96),
    );
  }

  #probe(length: number, a: number, b: number, c: number, d: number): number {
    const keys = this.#keys;
    const mask = this.#slots.length - 1;
    for (let slot = hashOf(length, a, b, c, d) & mask; ; slot = (slot + 1) & mask) {
      const number = this.#slots[slot]! - 1;
      if (number < 0) return -1;
      const at = number * 5;
      if (keys[at + 4] === d && keys[at] === length && keys[at + 3] === c && keys[at + 2] === b && keys[at + 1] === a)
        return number;
    }
  }

  #place(number: number): void {
    const at = number * 5;
    const mask = this.#slots.length - 1;
    const [length, a, b, c, d] = this.#keys.subarray(at, at + 5) as unknown as [number, number, number, number, number];
    let slot = hashOf(length, a, b, c, d) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = number + 1;
  }

  #rehash(): void {
    this.#slots = new Int32Array(this.#slots.length * 4);
    for (let number = 0; number < this.#size; number++) this.#place(number);
  }
}

/** Murmur3's mixing over the five words: neighbouring networks must not cluster. */
function hashOf(length: number, a: number, b: number, c: number, d: number): number {
  let hash = Math.imul(length ^ 0x9e37_79b9, 0x85eb_ca6b);
  hash = Math.imul(hash ^ a, 0xc2b2_ae35) ^ (hash >>> 13);
  hash = Math.imul(hash ^ b, 0x85eb_ca6b) ^ (hash >>> 16);
  hash = Math.imul(hash ^ c, 0xc2b2_ae35) ^ (hash >>> 13);
  hash = Math.imul(hash ^ d, 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

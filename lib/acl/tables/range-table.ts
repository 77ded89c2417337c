/** A set of networks merged into disjoint ranges: whether an address is in any of them. Not which one. */
import { type Cidr, type Ip, wordMask } from "../../wire/ip.ts";

/** A lookup is one binary search in the ranges of the address's family. */
export class RangeTable {
  /** First and last addresses of the IPv4 ranges, ascending. */
  readonly #first4: Uint32Array;
  readonly #last4: Uint32Array;
  /** Four words each for the first and the last address of the IPv6 ranges, ascending. */
  readonly #ranges6: Uint32Array;

  constructor(networks: readonly Cidr[]) {
    const [first, last] = merge4(networks.filter(({ base }) => base.family === 4));
    this.#first4 = first;
    this.#last4 = last;
    this.#ranges6 = merge6(networks.filter(({ base }) => base.family === 6));
  }

  has(ip: Ip): boolean {
    return ip.family === 4 ? this.#has4(ip.d) : this.#has6(ip);
  }

  #has4(value: number): boolean {
    const first = this.#first4;
    let low = 0;
    let high = first.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (first[middle]! <= value) low = middle + 1;
      else high = middle;
    }
    return low > 0 && value <= this.#last4[low - 1]!;
  }

  #has6(ip: Ip): boolean {
    const ranges = this.#ranges6;
    let low = 0;
    let high = ranges.length / 8;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(ranges, middle * 8, ip) <= 0) low = middle + 1;
      else high = middle;
    }
    return low > 0 && compare(ranges, low * 8 - 4, ip) >= 0;
  }
}

function merge4(networks: readonly Cidr[]): [Uint32Array, Uint32Array] {
  // Address and length in one double: sorted natively, wider networks first among equal bases.
  const packed = Float64Array.from(networks, ({ base, length }) => base.d * 64 + length - 96).toSorted();
  const first = new Uint32Array(packed.length);
  const last = new Uint32Array(packed.length);
  let count = 0;
  for (const one of packed) {
    const from = Math.floor(one / 64);
    const to = (from | ~wordMask(one % 64)) >>> 0;
    if (count > 0 && from <= last[count - 1]!) last[count - 1] = Math.max(last[count - 1]!, to);
    else {
      first[count] = from;
      last[count++] = to;
    }
  }
  return [first.slice(0, count), last.slice(0, count)];
}

function merge6(networks: readonly Cidr[]): Uint32Array {
  const sorted = networks.toSorted((x, y) => order(x.base, y.base) || x.length - y.length);
  const ranges = new Uint32Array(sorted.length * 8);
  let count = 0;
  for (const { base, length } of sorted) {
    // Networks nest or are apart, and the wider one comes first: what starts within the last range lies in it.
    if (count > 0 && compare(ranges, count * 8 - 4, base) >= 0) continue;
    const word = (value: number, offset: number) => (value | ~wordMask(length - offset)) >>> 0;
    ranges.set(
      [base.a, base.b, base.c, base.d, word(base.a, 0), word(base.b, 32), word(base.c, 64), word(base.d, 96)],
      count++ * 8,
    );
  }
  return ranges.slice(0, count * 8);
}

/** The address at `at` against `ip`: negative, zero or positive. */
function compare(words: Uint32Array, at: number, ip: Ip): number {
  return words[at]! - ip.a || words[at + 1]! - ip.b || words[at + 2]! - ip.c || words[at + 3]! - ip.d;
}

function order(x: Ip, y: Ip): number {
  return x.a - y.a || x.b - y.b || x.c - y.c || x.d - y.d;
}

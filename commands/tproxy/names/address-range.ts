/** A range of addresses that lead nowhere, by number: the first and the last, which mean the network and everybody in it, are left out. Gives nothing away by itself. */
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import { encodeIp } from "../../../lib/wire/ip-bytes.ts";
import { cidrContains, formatCidr, ipClass, parseCidr, type Cidr, type Ip } from "../../../lib/wire/ip.ts";

/** Names that are told apart at most: what an address costs in memory is some 200 bytes. */
const MOST_NAMES = 2 ** 20;
/** Classes whose addresses nobody reaches who is not led there on purpose. */
const USABLE = new Set(["private", "loopback", "reserved"]);

export class AddressRange {
  readonly family: 4 | 6;
  /** The numbers are 1 to this. */
  readonly size: number;
  readonly text: string;
  readonly #cidr: Cidr;
  /** The base, and bytes and bits of it that count. */
  readonly #base: Uint8Array;
  readonly #whole: number;
  readonly #mask: number;

  constructor(cidr: Cidr) {
    const { base, length } = cidr;
    this.#cidr = cidr;
    this.family = base.family;
    this.text = formatCidr(cidr);
    this.size = Math.min(2 ** (128 - length) - 2, MOST_NAMES);
    this.#base = Uint8Array.from(encodeIp(base));
    const bits = base.family === 4 ? length - 96 : length;
    this.#whole = bits >> 3;
    this.#mask = (0xff00 >> (bits & 7)) & 0xff;
  }

  /** The address of that number, in network order. */
  bytes(number: number): Uint8Array {
    const { family, a, b, c, d } = this.#cidr.base;
    return Uint8Array.from(encodeIp({ family, a, b, c, d: (d + number) >>> 0 }));
  }

  /** The number of an address; 0 for one that has none, which may lie in the range. */
  numberOf(ip: Ip): number {
    const { base } = this.#cidr;
    if (!cidrContains(this.#cidr, ip) || ip.c !== base.c || ip.b !== base.b || ip.a !== base.a) return 0;
    const number = (ip.d - base.d) >>> 0;
    return number <= this.size ? number : 0;
  }

  contains(ip: Ip): boolean {
    return cidrContains(this.#cidr, ip);
  }

  /** Whether the address at `at`, of the length of this family, is in the range. Allocates nothing. */
  containsBytes(bytes: Uint8Array, at: number): boolean {
    for (let i = 0; i < this.#whole; i++) if (bytes[at + i] !== this.#base[i]) return false;
    return this.#mask === 0 || ((bytes[at + this.#whole]! ^ this.#base[this.#whole]!) & this.#mask) === 0;
  }
}

/** One range of each family at most. Throws `PortailError` (64) for text that is no range that could be used. */
export function parseRanges(texts: readonly string[], flag: string): AddressRange[] {
  const ranges = texts.map((text) => parseRange(text, flag));
  if (new Set(ranges.map(({ family }) => family)).size < ranges.length)
    throw refused(flag, texts.join(", "), "two ranges of one family", "give one of IPv4 and one of IPv6 at most");
  return ranges;
}

function parseRange(text: string, flag: string): AddressRange {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw refused(flag, text, "no range of addresses", "write BASE/LENGTH, e.g. 198.18.0.0/15");
  const { base, length } = cidr;
  if (length > (base.family === 4 ? 126 : 112))
    throw refused(flag, text, "too small", "a range of IPv4 is a /30 or larger, one of IPv6 a /112 or larger");
  const last = { ...base, d: (base.d | (2 ** Math.min(128 - length, 32) - 1)) >>> 0 };
  if (!USABLE.has(ipClass(base)) || !USABLE.has(ipClass(last)))
    throw refused(
      flag,
      text,
      "not free to be used",
      "take one that leads to nobody: of 198.18.0.0/15, 240.0.0.0/4, 127.0.0.0/8 or fc00::/7",
    );
  return new AddressRange(cidr);
}

function refused(flag: string, text: string, what: string, hint: string): PortailError {
  return new PortailError(`${flag}: ${JSON.stringify(text)} is ${what}`, {
    code: "tproxy.range",
    exit: EXIT.usage,
    hint,
  });
}

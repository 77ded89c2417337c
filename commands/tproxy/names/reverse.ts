/** Names of addresses: `in-addr.arpa` and `ip6.arpa` (RFC 1035 section 3.5, RFC 3596 section 2.5). Text only. */
import { ipFromWords, ipv4, type Ip } from "../../../lib/wire/ip.ts";

export function isUnderReverse(name: string): boolean {
  return name.endsWith(".arpa");
}

/** The address that a name stands for; undefined for any other name, also for that of a part of an address. */
export function reverseAddress(name: string): Ip | undefined {
  if (name.endsWith(".in-addr.arpa")) return fromOctets(name.slice(0, -13));
  return name.endsWith(".ip6.arpa") && name.length === 72 ? fromNibbles(name) : undefined;
}

function fromOctets(text: string): Ip | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return ipv4(parts.reduceRight((value, part) => value * 256 + Number(part), 0));
}

function fromNibbles(name: string): Ip | undefined {
  let digits = "";
  for (let i = 62; i >= 0; i -= 2) {
    if (name[i + 1] !== ".") return undefined;
    digits += name[i];
  }
  if (!/^[0-9a-f]{32}$/.test(digits)) return undefined;
  const [a, b, c, d] = [0, 8, 16, 24].map((at) => parseInt(digits.slice(at, at + 8), 16));
  return ipFromWords(a!, b!, c!, d!);
}

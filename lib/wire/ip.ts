/** IP addresses and networks as values: strict text in, canonical text out, containment, and what kind of place an address is. Not names (host.ts). */

/**
 * An IPv4 or IPv6 address as four 32-bit words, most significant first. IPv4 is held in its mapped form
 * (`0, 0, 0xffff, v4`), so that both families share every table; `family` tells them apart.
 */
export interface Ip {
  readonly family: 4 | 6;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/** A network: the masked base address and the prefix length in the 128-bit form (an IPv4 /8 is 104). */
export interface Cidr {
  readonly base: Ip;
  readonly length: number;
}

export const ipv4 = (value: number): Ip => ({ family: 4, a: 0, b: 0, c: 0xffff, d: value >>> 0 });

/** From four words; the mapped range `::ffff:0:0/96` becomes IPv4. */
export function ipFromWords(a: number, b: number, c: number, d: number): Ip {
  if (a === 0 && b === 0 && c === 0xffff) return ipv4(d);
  return { family: 6, a: a >>> 0, b: b >>> 0, c: c >>> 0, d: d >>> 0 };
}

/**
 * Strict: a dotted quad without leading zeros, or RFC 4291 section 2.2 text. Zone ids, brackets and the
 * shorthands of inet_aton are refused. An IPv4-mapped IPv6 address is returned as IPv4.
 */
export function parseIp(text: string): Ip | undefined {
  if (!text.includes(":")) {
    const value = parseQuad(text);
    return value === undefined ? undefined : ipv4(value);
  }
  if (text.length > 45) return undefined;
  const gap = text.indexOf("::");
  if (gap !== -1 && text.indexOf("::", gap + 1) !== -1) return undefined;
  const head = parseGroups(gap === -1 ? text : text.slice(0, gap), gap === -1);
  const tail = gap === -1 ? [] : parseGroups(text.slice(gap + 2), true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (gap === -1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  const word = (i: number) => ((groups[i]! << 16) | groups[i + 1]!) >>> 0;
  return ipFromWords(word(0), word(2), word(4), word(6));
}

/** Lower-case, shortest text: RFC 5952 for IPv6, dotted quad for IPv4. */
export function formatIp(ip: Ip): string {
  if (ip.family === 4) return formatQuad(ip.d);
  const groups = [ip.a, ip.b, ip.c, ip.d].flatMap((word) => [word >>> 16, word & 0xffff]);
  let best = -1;
  let bestLength = 1; // RFC 5952 section 4.2.2: a single zero group is not shortened
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && groups[i + n] === 0) n++;
    if (n > bestLength) [best, bestLength] = [i, n];
    i += n;
  }
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (best === -1) return text(groups);
  return `${text(groups.slice(0, best))}::${text(groups.slice(best + bestLength))}`;
}

/** `address/length` or a bare address (a network of one). Host bits below the mask are refused: `10.0.0.1/8` is a mistake. */
export function parseCidr(text: string): Cidr | undefined {
  const cidr = parseCidrLoosely(text);
  return cidr !== undefined && sameIp(cidr.address, cidr.base) ? { base: cidr.base, length: cidr.length } : undefined;
}

/** As `parseCidr`, but with host bits kept apart instead of refused, for a diagnostic that names the right base. */
export function parseCidrLoosely(text: string): (Cidr & { address: Ip }) | undefined {
  const slash = text.indexOf("/");
  const address = parseIp(slash === -1 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  if (slash === -1) return { base: address, length: 128, address };
  const digits = text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(digits)) return undefined;
  // A mapped network written in IPv6 (`::ffff:10.0.0.0/104`) already counts all 128 bits.
  const written = text.includes(":") ? Number(digits) : Number(digits) + 96;
  if (written > 128 || (address.family === 4 && written < 96)) return undefined;
  return { base: maskIp(address, written), length: written, address };
}

/** `10.0.0.0/8`; a network of one address is printed without a length. */
export function formatCidr(cidr: Cidr): string {
  if (cidr.length === 128) return formatIp(cidr.base);
  return `${formatIp(cidr.base)}/${cidr.base.family === 4 ? cidr.length - 96 : cidr.length}`;
}

/** Whether the network holds the address; families never match each other. */
export function cidrContains(cidr: Cidr, ip: Ip): boolean {
  const { base, length } = cidr;
  return (
    base.family === ip.family &&
    ((base.a ^ ip.a) & wordMask(length)) === 0 &&
    ((base.b ^ ip.b) & wordMask(length - 32)) === 0 &&
    ((base.c ^ ip.c) & wordMask(length - 64)) === 0 &&
    ((base.d ^ ip.d) & wordMask(length - 96)) === 0
  );
}

export function sameIp(x: Ip, y: Ip): boolean {
  return x.d === y.d && x.c === y.c && x.b === y.b && x.a === y.a && x.family === y.family;
}

/** 0.0.0.0 or ::, which to a listener is every address. */
export function isUnspecified({ family, a, b, c, d }: Ip): boolean {
  return d === 0 && (family === 4 || (a === 0 && b === 0 && c === 0));
}

/** The mask of one 32-bit word whose first `bits` bits count; below 0 is none, above 32 is all. */
export function wordMask(bits: number): number {
  return bits <= 0 ? 0 : bits >= 32 ? -1 : -1 << (32 - bits);
}

function maskIp(ip: Ip, length: number): Ip {
  const word = (value: number, offset: number) => (value & wordMask(length - offset)) >>> 0;
  return { family: ip.family, a: word(ip.a, 0), b: word(ip.b, 32), c: word(ip.c, 64), d: word(ip.d, 96) };
}

function formatQuad(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/** By hand: every connection comes through here, and a split with patterns takes ten times as long. */
function parseQuad(text: string): number | undefined {
  let value = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  if (text.length > 15) return undefined;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2e) {
      if (digits === 0 || ++dots > 3) return undefined;
      value = value * 256 + part;
      part = digits = 0;
    } else {
      // No digit, or one behind a leading zero.
      if (code < 0x30 || code > 0x39 || (digits > 0 && part === 0)) return undefined;
      part = part * 10 + code - 0x30;
      digits++;
      if (part > 255) return undefined;
    }
  }
  return dots === 3 && digits > 0 ? value * 256 + part : undefined;
}

/** The 16-bit groups of one side of `::`; a dotted quad may stand last where `quadAllowed`. */
function parseGroups(text: string, quadAllowed: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (part.includes(".")) {
      const quad = quadAllowed && i === parts.length - 1 ? parseQuad(part) : undefined;
      if (quad === undefined) return undefined;
      groups.push(quad >>> 16, quad & 0xffff);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(parseInt(part, 16));
    else return undefined;
  }
  return groups.length > 8 ? undefined : groups;
}

export type IpClass =
  "public" | "loopback" | "unspecified" | "link-local" | "metadata" | "private" | "multicast" | "reserved";

/**
 * The class of an address. `unspecified` (0.0.0.0/8 and ::) is apart from `loopback`, but connecting to it
 * reaches this host as well. Documentation ranges count as public: they lead nowhere.
 */
export function ipClass(ip: Ip): IpClass {
  if (ip.family === 4) return SPECIAL[ip.d >>> 24] === 0 ? "public" : (classIn(V4, ip) ?? "public");
  const own = classIn(V6, ip);
  if (own !== undefined) return own;
  const embedded = embeddedIpv4(ip);
  return (embedded === undefined ? undefined : classIn(V4, ipv4(embedded))) ?? "public";
}

function classIn(table: readonly (readonly [IpClass, Cidr])[], ip: Ip): IpClass | undefined {
  for (const [kind, network] of table) if (cidrContains(network, ip)) return kind;
  return undefined;
}

/** The IPv4 address that a translator, a relay or an old stack would send the packet to (RFC 6052, 3056, 4291, 7915, 4380). */
function embeddedIpv4({ a, b, c, d }: Ip): number | undefined {
  if (a === 0x0064_ff9b && b === 0 && c === 0) return d; // NAT64, well-known prefix
  if (a >>> 16 === 0x2002) return ((a << 16) | (b >>> 16)) >>> 0; // 6to4
  if (a === 0 && b === 0 && (c === 0 || c === 0xffff_0000)) return d; // IPv4-compatible, IPv4-translated
  if (a === 0x2001_0000) return ~d >>> 0; // Teredo: the client, bits inverted
  return undefined;
}

// First match wins: the single metadata addresses stand before the ranges that hold them.
const V4 = networks([
  ["metadata", "169.254.169.254"], // AWS, Azure, GCP, OpenStack
  ["metadata", "169.254.170.2"], // AWS ECS credentials
  ["metadata", "169.254.170.23"], // AWS EKS pod identity
  ["metadata", "168.63.129.16"], // Azure wire server
  ["metadata", "100.100.100.200"], // Alibaba
  ["metadata", "192.0.0.192"], // Oracle
  ["unspecified", "0.0.0.0/8"],
  ["private", "10.0.0.0/8"],
  ["private", "100.64.0.0/10"], // RFC 6598, carrier NAT
  ["loopback", "127.0.0.0/8"],
  ["link-local", "169.254.0.0/16"],
  ["private", "172.16.0.0/12"],
  ["private", "192.0.0.0/24"], // RFC 6890
  ["private", "192.168.0.0/16"],
  ["private", "198.18.0.0/15"], // RFC 2544, benchmarking
  ["multicast", "224.0.0.0/4"],
  ["reserved", "240.0.0.0/4"], // with 255.255.255.255
]);

/** First bytes under which some address is not public; under the others nothing has to be searched. */
const SPECIAL = new Uint8Array(256);
for (const [, { base, length }] of V4) {
  const first = base.d >>> 24;
  SPECIAL.fill(1, first, first + Math.max(1, 2 ** (104 - length)));
}

const V6 = networks([
  ["loopback", "::1"],
  ["unspecified", "::"],
  ["metadata", "fd00:ec2::254"], // AWS
  ["metadata", "fd00:ec2::23"], // AWS EKS pod identity
  ["metadata", "fd20:ce::254"], // GCP
  ["metadata", "fe80::a9fe:a9fe"], // OpenStack
  ["link-local", "fe80::/10"],
  ["private", "fc00::/7"],
  ["private", "fec0::/10"], // RFC 3879, site-local
  ["private", "64:ff9b:1::/48"], // RFC 8215, local NAT64
  ["reserved", "100::/64"], // RFC 6666, discard
  ["multicast", "ff00::/8"],
]);

function networks(rows: [IpClass, string][]): readonly (readonly [IpClass, Cidr])[] {
  return rows.map(([kind, text]) => [kind, parseCidr(text)!] as const);
}

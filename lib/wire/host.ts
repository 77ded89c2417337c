/** One canonical form for a host that a client or an operator wrote, whatever the protocol. Not resolution. */
import { domainToASCII } from "node:url";
import { formatIp, type Ip, ipv4, parseIp } from "./ip.ts";

export type CanonicalHost = { host: string; ip?: Ip; error?: undefined } | { host?: undefined; error: string };

/**
 * Lower case, one trailing dot removed, IDNA (UTS 46 through node:url), every inet_aton spelling of IPv4 as
 * its dotted quad, mapped IPv6 as IPv4, brackets off IPv6 only. For a literal `host` is `formatIp(ip)`.
 * What cannot be a host is an `error`: half a sentence that does not repeat the input.
 */
export function canonicalHost(raw: string): CanonicalHost {
  if (isPlainName(raw)) return { host: raw };
  if (raw === "") return { error: "the host is empty" };
  const quad = raw.includes(":") ? undefined : parseIp(raw);
  if (quad !== undefined) return { host: raw, ip: quad };
  // 253 octets of name; an internationalised one is longer before it is mapped, but not by this much.
  if (raw.length > 1024) return { error: "the host is longer than 253 octets" };
  if (raw.startsWith("[") || raw.endsWith("]")) {
    const ip = raw.startsWith("[") && raw.endsWith("]") ? parseIp(raw.slice(1, -1)) : undefined;
    // A bracketed IPv4 address is nonsense; a mapped one (`[::ffff:127.0.0.1]`) is IPv4 as well, but holds a colon.
    return ip === undefined || !raw.includes(":") ? { error: "brackets hold no IPv6 address" } : literal(ip);
  }
  if (raw.includes(":")) {
    const ip = parseIp(raw);
    return ip === undefined ? { error: "not an IPv6 address" } : literal(ip);
  }
  return canonicalName(raw);
}

function canonicalName(raw: string): CanonicalHost {
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i);
    if (code <= 0x20 || code === 0x7f) return { error: "the host holds a space or a control character" };
    // domainToASCII percent-decodes, as URLs do; a host on the wire is no URL.
    if (code < 0x80 && !isNameCode(code) && code !== 0x2e) return { error: "the host holds a forbidden character" };
  }
  const ascii = isAscii(raw);
  const mapped = ascii && !/(^|\.)xn--/i.test(raw) ? raw.toLowerCase() : domainToASCII(raw);
  if (mapped === "") return { error: "the host is not a valid internationalised name" };
  const host = mapped.endsWith(".") ? mapped.slice(0, -1) : mapped;
  if (host === "") return { error: "the host is empty" };
  const labels = host.split(".");
  const last = labels[labels.length - 1]!;
  if (/^([0-9]+|0x[0-9a-f]*)$/.test(last)) {
    const ip = parseAton(labels);
    return ip === undefined ? { error: "the host ends in a number but is no IPv4 address" } : literal(ip);
  }
  if (host.length > 253) return { error: "the host is longer than 253 octets" };
  for (const label of labels) {
    if (label === "") return { error: "the host has an empty label" };
    if (label.length > 63) return { error: "a label of the host is longer than 63 octets" };
    for (let i = 0; i < label.length; i++) {
      if (!isNameCode(label.charCodeAt(i))) return { error: "the host holds a forbidden character" };
    }
  }
  return { host };
}

const literal = (ip: Ip): CanonicalHost => ({ host: formatIp(ip), ip });

/**
 * inet_aton(3), as the URL Standard's IPv4 parser: one to four parts, each decimal, octal (leading 0) or hex (0x),
 * the last one filling the bytes that are left.
 */
function parseAton(labels: readonly string[]): Ip | undefined {
  if (labels.length > 4) return undefined;
  let value = 0;
  for (const [i, label] of labels.entries()) {
    const part = parseAtonPart(label);
    const last = i === labels.length - 1;
    if (part === undefined || part >= (last ? 256 ** (5 - labels.length) : 256)) return undefined;
    value += part * (last ? 1 : 256 ** (3 - i));
  }
  return ipv4(value);
}

function parseAtonPart(label: string): number | undefined {
  if (/^0x[0-9a-f]*$/.test(label)) return label.length === 2 ? 0 : parseInt(label, 16);
  if (/^0[0-7]+$/.test(label)) return parseInt(label, 8);
  return /^(0|[1-9][0-9]*)$/.test(label) ? Number(label) : undefined;
}

/**
 * The common case, decided without allocation: `text[from, to)` is a name in canonical form, and its last label starts
 * with a letter.
 */
export function isPlainName(text: string, from = 0, to = text.length): boolean {
  if (to <= from || to - from > 253) return false;
  let label = from;
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (PLAIN[code] === 1) continue;
    if (code === 0x2e) {
      if (i === label || i - label > 63) return false;
      label = i + 1;
    } else if (code !== 0x2d) return false;
    // An A-label must be checked, so a label with hyphens in its third and fourth place is not plain.
    else if (i === label + 3 && text.charCodeAt(i - 1) === 0x2d) return false;
  }
  const first = text.charCodeAt(label);
  return to > label && to - label <= 63 && first >= 0x61 && first <= 0x7a;
}

/** By code: small letters, digits, underscore. Looked up, since a processor cannot guess what comes next in a name. */
const PLAIN = new Uint8Array(128);
for (const char of "abcdefghijklmnopqrstuvwxyz0123456789_") PLAIN[char.charCodeAt(0)] = 1;

/** Letters, digits, hyphen, and the underscore that service names use. */
function isNameCode(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x2d ||
    code === 0x5f ||
    (code >= 0x41 && code <= 0x5a)
  );
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** DNS queries as far as who forwards them must read them: header, the one question, OPT (RFC 1035, 6891, 9619). Records of other types are skipped, never understood. */

/** Bytes before the question. */
export const DNS_HEADER = 12;
/** Octets of a name, the lengths of its labels and the root included (RFC 1035 section 2.3.4). */
export const LONGEST_NAME = 255;

export const TYPE = {
  A: 1,
  SOA: 6,
  PTR: 12,
  AAAA: 28,
  OPT: 41,
  SVCB: 64,
  HTTPS: 65,
  TKEY: 249,
  MAILA: 254,
  ANY: 255,
} as const;

export const CLASS_IN = 1;

export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  /** Of which OPT holds the upper bits (RFC 6891 section 9). */
  BADVERS: 16,
} as const;

/** Bits of the second word of the header. */
export const FLAG = { QR: 0x8000, AA: 0x0400, TC: 0x0200, RD: 0x0100, RA: 0x0080, CD: 0x0010 } as const;

interface Edns {
  /** Bytes that the sender takes by UDP, as it wrote them. */
  size: number;
  version: number;
  dnssecOk: boolean;
}

export interface DnsQuery {
  flags: number;
  /** Lower case, without the dot at its end; bytes that are in no host name are escaped (RFC 4343 section 2.1). */
  name: string;
  /** Where the name ends in the message, which is where the type stands. */
  nameEnd: number;
  type: number;
  class: number;
  edns: Edns | undefined;
}

/**
 * Reads a whole message. `ignored`: it is a response, or no header; to answer it would help whoever forges it. `malformed`
 * is to be answered FORMERR, `unknown` (another opcode than QUERY) NOTIMP, both with `encodeRefusal`.
 */
export function decodeQuery(bytes: Uint8Array): DnsQuery | "ignored" | "malformed" | "unknown" {
  if (bytes.length < DNS_HEADER) return "ignored";
  const flags = word(bytes, 2);
  if ((flags & FLAG.QR) !== 0) return "ignored";
  if ((flags & 0x7800) !== 0) return "unknown";
  if (word(bytes, 4) !== 1) return "malformed";
  const nameEnd = endOfName(bytes, DNS_HEADER);
  if (nameEnd === -1 || nameEnd + 4 > bytes.length) return "malformed";
  const query: DnsQuery = {
    flags,
    name: nameText(bytes, DNS_HEADER),
    nameEnd,
    type: word(bytes, nameEnd),
    class: word(bytes, nameEnd + 2),
    edns: undefined,
  };
  const before = word(bytes, 6) + word(bytes, 8);
  const records = before + word(bytes, 10);
  let at = nameEnd + 4;
  for (let i = 0; i < records; i++) {
    const data = skipName(bytes, at) + 10;
    if (data < 10 || data > bytes.length) return "malformed";
    const end = data + word(bytes, data - 2);
    if (end > bytes.length) return "malformed";
    if (word(bytes, data - 10) === TYPE.OPT) {
      // One, at the root, among the additional records (RFC 6891 section 6.1.1).
      if (query.edns !== undefined || i < before || data !== at + 11 || !areOptions(bytes, data, end))
        return "malformed";
      const version = bytes[data - 5]!;
      query.edns = { size: word(bytes, data - 8), version, dnssecOk: (bytes[data - 4]! & 0x80) !== 0 };
    }
    at = end;
  }
  return at === bytes.length ? query : "malformed";
}

/** Whether `[at, end)` is a sequence of options: code, length, data. */
function areOptions(bytes: Uint8Array, at: number, end: number): boolean {
  while (at + 4 <= end) at += 4 + word(bytes, at + 2);
  return at === end;
}

/** The position behind the name at `at`, which is written without compression; -1 for what is no such name. */
export function endOfName(bytes: Uint8Array, at: number): number {
  const most = Math.min(bytes.length, at + LONGEST_NAME);
  while (at < most) {
    const length = bytes[at]!;
    if (length === 0) return at + 1;
    if (length > 63) return -1;
    at += 1 + length;
  }
  return -1;
}

/** The same for a name that may end in a pointer (RFC 1035 section 4.1.4). Where that leads is not looked at. -1 for no name. */
export function skipName(bytes: Uint8Array, at: number): number {
  const most = Math.min(bytes.length, at + LONGEST_NAME);
  while (at < most) {
    const length = bytes[at]!;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2 <= bytes.length ? at + 2 : -1;
    if (length > 63) return -1;
    at += 1 + length;
  }
  return -1;
}

const SCRATCH = Buffer.alloc(LONGEST_NAME + 1);

/** By byte: itself in lower case where host names have it, else 0. */
const PLAIN = new Uint8Array(256);
for (const char of "abcdefghijklmnopqrstuvwxyz0123456789-_") {
  PLAIN[char.charCodeAt(0)] = char.charCodeAt(0);
  PLAIN[char.toUpperCase().charCodeAt(0)] = char.charCodeAt(0);
}

/** The text of the name at `at`, for which `endOfName` found an end. Two names have the same text only where DNS holds them for one. */
export function nameText(bytes: Uint8Array, at: number): string {
  const start = at;
  let length = 0;
  for (let left = bytes[at++]!; left > 0; left = bytes[at++]!) {
    for (const end = at + left; at < end; at++) {
      const char = PLAIN[bytes[at]!]!;
      if (char === 0) return escapedText(bytes, start);
      SCRATCH[length++] = char;
    }
    SCRATCH[length++] = 0x2e;
  }
  return length === 0 ? "" : SCRATCH.toString("latin1", 0, length - 1);
}

/** With `\DDD` for what `PLAIN` has not, a dot within a label and the backslash included (RFC 1035 section 5.1). */
function escapedText(bytes: Uint8Array, at: number): string {
  const labels: string[] = [];
  for (let left = bytes[at++]!; left > 0; left = bytes[at++]!) {
    const chars = Array.from(bytes.subarray(at, at + left), (byte) => {
      const char = PLAIN[byte]!;
      return char === 0 ? `\\${String(byte).padStart(3, "0")}` : String.fromCharCode(char);
    });
    labels.push(chars.join(""));
    at += left;
  }
  return labels.join(".");
}

export function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

export function putWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

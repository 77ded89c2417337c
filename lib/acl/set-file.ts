/** The lines of set files: one entry a line, or the format of hosts(5). Works on bytes, for a million lines. Not what an entry means. */

type Entry = (from: number, to: number) => void;

const NEWLINE = 0x0a;
const HASH = 0x23;
const DOT = 0x2e;

/** Calls `entry` with the bounds of each entry: blanks around it, empty lines and comments (`#` first or after a blank) left out. */
export function entriesOf(bytes: Uint8Array, entry: Entry): void {
  // Most lines hold no comment: the search for the next one is the runtime's, and passes over them all at once.
  let hash = indexOf(bytes, HASH, 0);
  lines(bytes, (from, to) => {
    let start = from;
    let end = to;
    while (start < end && isBlank(bytes[start]!)) start++;
    if (hash < from) hash = indexOf(bytes, HASH, from);
    for (let i = Math.max(hash, start); i < end; i++) {
      if (bytes[i] === HASH && (i === start || isBlank(bytes[i - 1]!))) end = i;
    }
    while (end > start && isBlank(bytes[end - 1]!)) end--;
    if (end > start) entry(start, end);
  });
}

/** As `entriesOf`, for lines of an address and names; the names that every machine gives itself are left out. */
export function hostNamesOf(bytes: Uint8Array, entry: Entry): void {
  entriesOf(bytes, (from, to) => {
    let first = true;
    for (let at = from; at < to;) {
      let end = at;
      while (end < to && !isBlank(bytes[end]!)) end++;
      if (!first && !isOwnName(bytes, at, end)) entry(at, end);
      first = false;
      at = end;
      while (at < to && isBlank(bytes[at]!)) at++;
    }
  });
}

/** Whether the bytes are a host in canonical form but for upper case, and no address: then they need no other treatment. */
export function isPlainHost(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from > 253) return false;
  let label = from;
  for (let i = from; i < to; i++) {
    const code = bytes[i]!;
    if (PLAIN[code] === 1) continue;
    if (code === DOT) {
      if (i === label || i - label > 63) return false;
      label = i + 1;
    } else if (code !== 0x2d) return false;
    else if (i === label + 3 && bytes[i - 1] === 0x2d) return false; // an A-label has to be checked
  }
  return label < to && to - label <= 63 && isLetter(bytes[label]!);
}

/** By code: letters, digits, underscore. */
const PLAIN = new Uint8Array(256);
for (const code of bytesOf("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")) PLAIN[code] = 1;

/** Undefined if the bytes are not UTF-8; a byte order mark is dropped. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function lines(bytes: Uint8Array, line: Entry): void {
  let from = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  while (from < bytes.length) {
    const to = indexOf(bytes, NEWLINE, from);
    line(from, to);
    from = to + 1;
  }
}

/** The length where there is none. */
function indexOf(bytes: Uint8Array, code: number, from: number): number {
  const found = bytes.indexOf(code, from);
  return found === -1 ? bytes.length : found;
}

const OWN_NAMES = ["localhost", "localhost.localdomain", "local", "broadcasthost", "0.0.0.0"].map(bytesOf);
const IP6 = bytesOf("ip6-");

/** Compared byte by byte, since a text for each of a million names takes longer than all the rest. */
function isOwnName(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from > 21) return false;
  const code = bytes[from]!;
  if (code !== 0x6c && code !== 0x62 && code !== 0x30 && code !== 0x69) return false;
  if (startsWith(bytes, from, to, IP6)) return true;
  return OWN_NAMES.some((name) => name.length === to - from && startsWith(bytes, from, to, name));
}

function startsWith(bytes: Uint8Array, from: number, to: number, beginning: Uint8Array): boolean {
  if (to - from < beginning.length) return false;
  for (let i = 0; i < beginning.length; i++) if (bytes[from + i] !== beginning[i]) return false;
  return true;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (point) => point.charCodeAt(0));
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09 || code === 0x0d;
const isLetter = (code: number): boolean => (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);

/** Replies of resolvers: whether one is the reply to a query, and which addresses it holds. Reads, changes nothing; answers of our own are dns-answer.ts. */
import { DNS_HEADER, endOfName, FLAG, putWord, RCODE, skipName, TYPE, word } from "./dns.ts";

/**
 * Whether `reply` is one to `query`, the message as it was sent, whose question ends at `end`. `case`: the name is another
 * in the case of its letters. `bare`: an error without a question. The id is the caller's to compare.
 */
export function matchReply(reply: Uint8Array, query: Uint8Array, end: number): "same" | "case" | "bare" | "other" {
  if (reply.length < DNS_HEADER) return "other";
  const flags = word(reply, 2);
  if ((flags & (FLAG.QR | 0x7800)) !== FLAG.QR) return "other";
  if (word(reply, 4) === 0) return (flags & 15) === RCODE.NOERROR ? "other" : "bare";
  if (word(reply, 4) !== 1 || reply.length < end) return "other";
  let found: "same" | "case" = "same";
  for (let i = DNS_HEADER; i < end; i++) {
    const [a, b] = [reply[i]!, query[i]!];
    if (a === b) continue;
    // Type and class are no letters, and neither are the lengths of labels.
    if (i >= end - 4 || (a ^ b) !== 0x20 || !isLetter(a)) return "other";
    found = "case";
  }
  return found;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

/** Told where an address stands: `length` is 4 or 16. */
export type AddressTest = (bytes: Uint8Array, at: number, length: number) => boolean;

/**
 * Looks at all records behind the question, which ends at `end`. `found`: `test` was true for an address of an A or AAAA
 * record, or for a hint of an SVCB or HTTPS record (RFC 9460 section 7.3).
 */
export function searchReply(bytes: Uint8Array, end: number, test: AddressTest): "clean" | "found" | "malformed" {
  const records = word(bytes, 6) + word(bytes, 8) + word(bytes, 10);
  let at = end;
  for (let i = 0; i < records; i++) {
    const data = skipName(bytes, at) + 10;
    if (data < 10 || data > bytes.length) return "malformed";
    at = data + word(bytes, data - 2);
    if (at > bytes.length) return "malformed";
    const type = word(bytes, data - 10);
    if (type === TYPE.A || type === TYPE.AAAA) {
      const length = type === TYPE.A ? 4 : 16;
      if (at - data !== length) return "malformed";
      if (test(bytes, data, length)) return "found";
    } else if ((type === TYPE.SVCB || type === TYPE.HTTPS) && hasHint(bytes, data, at, test)) return "found";
  }
  return "clean";
}

/** Whether there is a record of `type` among the answers of a reply in which `searchReply` found nothing wrong, and no error. */
export function hasAnswer(bytes: Uint8Array, end: number, type: number): boolean {
  if ((word(bytes, 2) & 15) !== RCODE.NOERROR) return false;
  let at = end;
  for (let left = word(bytes, 6); left > 0; left--) {
    const data = skipName(bytes, at) + 10;
    if (word(bytes, data - 10) === type) return true;
    at = data + word(bytes, data - 2);
  }
  return false;
}

const IPV4_HINT = 4;
const IPV6_HINT = 6;

/** What cannot be read as parameters has no hints that anybody would follow. */
function hasHint(bytes: Uint8Array, from: number, end: number, test: AddressTest): boolean {
  let at = endOfName(bytes, from + 2);
  if (at === -1) return false;
  while (at + 4 <= end) {
    const key = word(bytes, at);
    const stop = Math.min(end, at + 4 + word(bytes, at + 2));
    const length = key === IPV4_HINT ? 4 : key === IPV6_HINT ? 16 : 0;
    if (length > 0) {
      for (let hint = at + 4; hint + length <= stop; hint += length) if (test(bytes, hint, length)) return true;
    }
    at = Math.max(stop, at + 4);
  }
  return false;
}

/** Gives a reply the id and the name, in their own case, of the query `bytes`, whose name ends at `nameEnd`. */
export function readdress(reply: Uint8Array, bytes: Uint8Array, nameEnd: number): void {
  putWord(reply, 0, word(bytes, 0));
  for (let i = DNS_HEADER; i < nameEnd; i++) reply[i] = bytes[i]!;
}

/** Changes letters of the name at the question to the other case where `random` gives a bit of 1; it gives 16 bits at a time. */
export function mixCase(bytes: Uint8Array, nameEnd: number, random: () => number): void {
  let bits = 0;
  let left = 0;
  for (let i = DNS_HEADER; i < nameEnd; i++) {
    // A length is 63 at most, and so no letter.
    if (!isLetter(bytes[i]!)) continue;
    if (left === 0) [bits, left] = [random(), 16];
    bytes[i]! ^= (bits & 1) << 5;
    bits >>= 1;
    left--;
  }
}

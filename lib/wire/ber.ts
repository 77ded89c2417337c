/** BER, as keystores of some programs have it, made DER as far as a reader needs: definite shortest lengths, strings in one piece. Knows no structure. */
import { DerError } from "./der.ts";

const DEEPEST = 32;
const CONSTRUCTED = 0x20;
const OCTET_STRING = 0x04;

interface Piece {
  readonly tag: number;
  /** Content in normal form. */
  readonly content: Uint8Array;
  /** Index behind the element. */
  readonly end: number;
}

/**
 * The one element that `bytes` hold, with indefinite and too long lengths (X.690 section 8.1.3) rewritten and OCTET
 * STRINGs of several pieces (section 8.7.3) joined. What is DER stays as it is. Throws `DerError`.
 */
export function derFromBer(bytes: Uint8Array): Uint8Array {
  const { tag, content, end } = elementAt(bytes, 0, bytes.length, 0);
  if (end !== bytes.length) throw new DerError("there is more than there should be");
  return encode(tag, content);
}

function elementAt(bytes: Uint8Array, from: number, limit: number, depth: number): Piece {
  if (depth > DEEPEST) throw new DerError("elements are nested too deep");
  if (limit - from < 2) throw new DerError("an element is missing or cut off");
  const tag = bytes[from]!;
  if ((tag & 0x1f) === 0x1f) throw new DerError("a tag number is too large");
  let at = from + 2;
  let length = bytes[from + 1]!;
  if (length === 0x80) return indefinite(bytes, tag, at, limit, depth);
  if (length > 0x80) {
    const count = length & 0x7f;
    if (count > limit - at) throw new DerError("an element is cut off");
    length = 0;
    while (at < from + 2 + count) length = length * 256 + bytes[at++]!;
  }
  if (length > limit - at) throw new DerError("an element is longer than what holds it");
  const end = at + length;
  if ((tag & CONSTRUCTED) === 0) return { tag, content: bytes.subarray(at, end), end };
  const pieces: Piece[] = [];
  while (at < end) {
    const piece = elementAt(bytes, at, end, depth + 1);
    pieces.push(piece);
    at = piece.end;
  }
  return joined(tag, pieces, end);
}

/** Up to the two zero bytes that end the contents (section 8.1.5). */
function indefinite(bytes: Uint8Array, tag: number, from: number, limit: number, depth: number): Piece {
  if ((tag & CONSTRUCTED) === 0) throw new DerError("a length is indefinite");
  const pieces: Piece[] = [];
  let at = from;
  while (bytes[at] !== 0 || bytes[at + 1] !== 0) {
    const piece = elementAt(bytes, at, limit, depth + 1);
    pieces.push(piece);
    at = piece.end;
  }
  if (at + 2 > limit) throw new DerError("an element is cut off");
  return joined(tag, pieces, at + 2);
}

function joined(tag: number, pieces: readonly Piece[], end: number): Piece {
  const isText = tag === (OCTET_STRING | CONSTRUCTED) && pieces.every((piece) => piece.tag === OCTET_STRING);
  const parts = isText ? pieces.map(({ content }) => content) : pieces.map((piece) => encode(piece.tag, piece.content));
  return { tag: isText ? OCTET_STRING : tag, content: Buffer.concat(parts), end };
}

function encode(tag: number, content: Uint8Array): Uint8Array {
  if (content.length < 0x80) return Buffer.concat([Uint8Array.of(tag, content.length), content]);
  const length: number[] = [];
  for (let rest = content.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest & 0xff);
  return Buffer.concat([Uint8Array.of(tag, 0x80 | length.length, ...length), content]);
}

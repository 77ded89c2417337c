/** RESP2, the protocol of Redis and Valkey: commands, and the replies that are one value. Arrays and pushes are not for this. */
import { bad, MORE, type Decoded } from "./decode.ts";
import { decodeUtf8 } from "./utf8.ts";

export type Reply =
  | { readonly type: "status"; readonly text: string }
  /** Nobody vouches for its text. */
  | { readonly type: "error"; readonly text: string }
  | { readonly type: "integer"; readonly value: bigint }
  | { readonly type: "bulk"; readonly bytes: Uint8Array }
  | { readonly type: "nil" };

/** Bytes of a line that are waited for, and of a bulk string that is taken. */
const LONGEST_LINE = 8192;
const LONGEST_BULK = 64 * 1024;
const CR = 0x0d;
const LF = 0x0a;

/** A command as Redis takes it: an array of bulk strings, so that no argument can be taken for syntax. */
export function encodeCommand(words: readonly string[]): Uint8Array {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return Buffer.from(`*${words.length}\r\n${parts.join("")}`);
}

/** Decodes the first reply of a stream. */
export function decodeReply(bytes: Uint8Array): Decoded<Reply> {
  if (bytes.length === 0) return MORE;
  const kind = String.fromCharCode(bytes[0]!);
  if (!"+-:$".includes(kind)) return bad("this is no reply of one value");
  const end = bytes.subarray(0, LONGEST_LINE).indexOf(CR);
  if (end === -1) return bytes.length < LONGEST_LINE ? MORE : bad("a line of the reply is too long");
  if (bytes.length < end + 2) return MORE;
  if (bytes[end + 1] !== LF) return bad("a line of the reply does not end");
  const text = decodeUtf8(bytes.subarray(1, end));
  if (text === undefined) return bad("a line of the reply is not UTF-8");
  const length = end + 2;
  switch (kind) {
    case "+":
      return { kind: "ok", value: { type: "status", text }, length };
    case "-":
      return { kind: "ok", value: { type: "error", text }, length };
    case ":":
      return /^[+-]?[0-9]{1,19}$/.test(text)
        ? { kind: "ok", value: { type: "integer", value: BigInt(text.replace("+", "")) }, length }
        : bad("an integer of the reply is none");
    default:
      return decodeBulk(bytes, text, length);
  }
}

/** `text` is the length as it stands there; the string begins at `start`. */
function decodeBulk(bytes: Uint8Array, text: string, start: number): Decoded<Reply> {
  if (text === "-1") return { kind: "ok", value: { type: "nil" }, length: start };
  if (!/^[0-9]{1,10}$/.test(text)) return bad("the length of a string is none");
  const size = Number(text);
  if (size > LONGEST_BULK) return bad(`a string of the reply has ${size} bytes`);
  const end = start + size;
  if (bytes.length < end + 2) return MORE;
  if (bytes[end] !== CR || bytes[end + 1] !== LF) return bad("a string of the reply does not end where it says");
  return { kind: "ok", value: { type: "bulk", bytes: bytes.subarray(start, end) }, length: end + 2 };
}

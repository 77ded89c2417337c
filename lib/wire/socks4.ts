/** SOCKS4 and SOCKS4a messages, after the memos by Ying-Da Lee (1992, 1994) that define them. Bytes only. */
import { bad, MORE, type Decoded } from "./decode.ts";
import { decodeUtf8 } from "./utf8.ts";

export const SOCKS4_COMMAND = { connect: 1, bind: 2 } as const;

export const SOCKS4_REPLY = { granted: 90, rejected: 91 } as const;

interface Socks4Request {
  command: number;
  host: string;
  port: number;
  /** As the client states it; nobody vouches for it. */
  userId: string;
}

/** Bytes of a user id or a domain name, without the closing zero. */
const LONGEST = 255;

/** `VN CD DSTPORT DSTIP USERID 0 [DOMAIN 0]`; an address 0.0.0.x with x not 0 announces a domain (4a). */
export function decodeSocks4(bytes: Uint8Array): Decoded<Socks4Request> {
  if (bytes.length > 0 && bytes[0] !== 4) return bad(`version ${bytes[0]} is not 4`);
  if (bytes.length < 9) return MORE;
  const user = decodeText(bytes, 8);
  if (typeof user !== "object") return user === "more" ? MORE : bad(`the user id is ${user}`);
  const request = { command: bytes[1]!, port: bytes[2]! * 256 + bytes[3]!, userId: user.text };
  const named = bytes[4] === 0 && bytes[5] === 0 && bytes[6] === 0 && bytes[7] !== 0;
  if (!named) {
    const host = `${bytes[4]}.${bytes[5]}.${bytes[6]}.${bytes[7]}`;
    return { kind: "ok", value: { ...request, host }, length: user.end };
  }
  const domain = decodeText(bytes, user.end);
  if (typeof domain !== "object") return domain === "more" ? MORE : bad(`the domain name is ${domain}`);
  return { kind: "ok", value: { ...request, host: domain.text }, length: domain.end };
}

/** `VN CD DSTPORT DSTIP`; the address means nothing in the answer to a connect. */
export function encodeSocks4Reply(code: number): Uint8Array {
  return Uint8Array.of(0, code, 0, 0, 0, 0, 0, 0);
}

/** Text up to a zero byte; `end` is behind it. */
function decodeText(
  bytes: Uint8Array,
  start: number,
): { text: string; end: number } | "more" | "too long" | "not UTF-8" {
  const zero = bytes.subarray(start, start + LONGEST + 1).indexOf(0);
  if (zero === -1) return bytes.length - start > LONGEST ? "too long" : "more";
  const text = decodeUtf8(bytes.subarray(start, start + zero));
  return text === undefined ? "not UTF-8" : { text, end: start + zero + 1 };
}

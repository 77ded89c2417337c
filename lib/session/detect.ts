/** Which protocol a client of the access proxy speaks, from its first bytes. Three answers: a name, "more", "unknown". */
import { PREFACE } from "../wire/http2.ts";

export type Detected = "socks5" | "socks4" | "connect" | "forward" | "h2" | "tls" | "more" | "unknown";

const CONNECT = Buffer.from("CONNECT ");
/** Letters of the longest method that HTTP clients use, and then some. */
const LONGEST_METHOD = 32;

/** Says what the stream is as soon as its first bytes leave no doubt, however they were split. */
export function detectFront(bytes: Uint8Array): Detected {
  const first = bytes[0];
  if (first === undefined) return "more";
  if (first === 5) return "socks5";
  if (first === 4) return "socks4";
  if (first === 0x16) return "tls";
  if (first === PREFACE[0]) return expect(bytes, PREFACE, "h2");
  return expect(bytes, CONNECT, "connect");
}

/** What begins otherwise is a method at best. */
function expect(bytes: Uint8Array, beginning: Uint8Array, name: Detected): Detected {
  for (let i = 0; i < beginning.length; i++) {
    if (i === bytes.length) return "more";
    if (bytes[i] !== beginning[i]) return detectMethod(bytes);
  }
  return name;
}

/** A method is a token (RFC 9110 section 5.6.2) and a space behind it. */
function detectMethod(bytes: Uint8Array): Detected {
  for (let i = 0; i < bytes.length && i <= LONGEST_METHOD; i++) {
    const byte = bytes[i]!;
    if (byte === 0x20 && i > 0) return "forward";
    const upper = byte >= 0x41 && byte <= 0x5a;
    const inner = byte === 0x2d || byte === 0x5f || (byte >= 0x61 && byte <= 0x7a);
    if (!upper && !(inner && i > 0)) return "unknown";
  }
  return bytes.length > LONGEST_METHOD ? "unknown" : "more";
}

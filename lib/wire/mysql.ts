/** The packets of a MySQL connection up to its authentication (MySQL's documentation, "Connection Phase"; MariaDB's is the same). Queries are not for this. */
import { bad, MORE, type Decoded } from "./decode.ts";
import { decodeUtf8 } from "./utf8.ts";

/** Length of three bytes, low first, and a number that grows by one from packet to packet. */
const HEADER = 4;
const PROTOCOL_10 = 10;
const ERROR = 0xff;
const OK = 0x00;
const SWITCH = 0xfe;
const MORE_DATA = 0x01;
/** Of caching_sha2_password: the server has the password not in its cache, and the client's wish for a key to encrypt it. */
const WANTS_PASSWORD = 0x04;
const WANTS_KEY = 0x02;
/** Bytes of a scramble, of which a greeting has the first 8 apart. */
const SCRAMBLE = 20;
const SCRAMBLE_BEGIN = 8;
/** Capabilities, of which the greeting has the lower half first. */
const CLIENT_PROTOCOL_41 = 0x0200;
const CLIENT_SSL = 0x0800;
/** Of the response that a request for TLS repeats: capabilities, packet size, character set, filler. */
const REPEATED = 32;
/** Bytes of a packet that is waited for; connection attributes alone can be 64 KiB. */
const LONGEST = 128 * 1024;

export interface Packet {
  number: number;
  payload: Uint8Array;
}

/** Decodes the first packet of a stream. */
export function decodePacket(bytes: Uint8Array): Decoded<Packet> {
  if (bytes.length < HEADER) return MORE;
  const size = bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16);
  if (size > LONGEST) return bad(`a packet has ${size} bytes`);
  const length = HEADER + size;
  if (bytes.length < length) return MORE;
  return { kind: "ok", value: { number: bytes[3]!, payload: bytes.subarray(HEADER, length) }, length };
}

export function encodePacket({ number, payload }: Packet): Uint8Array {
  const bytes = new Uint8Array(HEADER + payload.length);
  bytes.set([payload.length & 255, (payload.length >> 8) & 255, payload.length >> 16, number & 255]);
  bytes.set(payload, HEADER);
  return bytes;
}

export type Greeting =
  /** The same without the offer of TLS. The scramble is shorter, even empty, of a server that has no such methods. */
  | { type: "greeting"; withoutTls: Uint8Array; offersTls: boolean; scramble: Uint8Array }
  /** The message is nobody's: it came in the clear. */
  | { type: "error"; message: string };

/** What a server begins with. */
export function decodeGreeting({ number, payload }: Packet): Greeting | { type: "bad"; reason: string } {
  if (number !== 0) return { type: "bad", reason: `the greeting has the number ${number}` };
  if (payload[0] === ERROR) return { type: "error", message: decodeUtf8(payload.subarray(3)) ?? "" };
  if (payload[0] !== PROTOCOL_10) return { type: "bad", reason: "this is no greeting of protocol 10" };
  const end = payload.indexOf(0, 1);
  // Behind the version: a thread number of 4 bytes, 8 bytes of the scramble, a zero, the lower capabilities.
  const scrambleAt = end + 1 + 4;
  const at = scrambleAt + SCRAMBLE_BEGIN + 1;
  if (end === -1 || at + 2 > payload.length) return { type: "bad", reason: "the greeting is cut short" };
  const capabilities = payload[at]! | (payload[at + 1]! << 8);
  if ((capabilities & CLIENT_PROTOCOL_41) === 0) return { type: "bad", reason: "the server is older than 4.1" };
  const withoutTls = payload.slice();
  withoutTls[at + 1] = (capabilities & ~CLIENT_SSL) >> 8;
  // Behind the lower capabilities: character set, status, the upper ones, a length, 10 bytes that are reserved.
  const restAt = at + 2 + 1 + 2 + 2 + 1 + 10;
  return {
    type: "greeting",
    scramble: Buffer.concat([
      payload.subarray(scrambleAt, scrambleAt + SCRAMBLE_BEGIN),
      payload.subarray(restAt, restAt + SCRAMBLE - SCRAMBLE_BEGIN),
    ]),
    withoutTls: encodePacket({ number, payload: withoutTls }),
    offersTls: (capabilities & CLIENT_SSL) !== 0,
  };
}

export type Response =
  { type: "response"; sslRequest: Uint8Array; secured: Uint8Array } | { type: "bad"; reason: string };

/**
 * A client's answer to a greeting, as the two packets that it is over TLS: the request, with the client's own capabilities,
 * and what follows in TLS, numbered one up.
 */
export function decodeResponse({ number, payload }: Packet): Response {
  if (number !== 1) return { type: "bad", reason: `the response has the number ${number}` };
  if (payload.length < REPEATED) return { type: "bad", reason: "the response is cut short" };
  const capabilities = payload[0]! | (payload[1]! << 8);
  if ((capabilities & CLIENT_PROTOCOL_41) === 0) return { type: "bad", reason: "the client is older than 4.1" };
  if ((capabilities & CLIENT_SSL) !== 0) return { type: "bad", reason: "the client asks for TLS that nobody offered" };
  const secured = payload.slice();
  secured[1] = (capabilities | CLIENT_SSL) >> 8;
  return {
    type: "response",
    sslRequest: encodePacket({ number: 1, payload: secured.subarray(0, REPEATED) }),
    secured: encodePacket({ number: 2, payload: secured }),
  };
}

/** Whether a server's packet ends the authentication: it lets the client in, or not. */
export function endsAuthentication({ payload }: Packet): boolean {
  return payload[0] === OK || payload[0] === ERROR;
}

/** The scramble of a server's packet that asks for another method; undefined for any other packet. */
export function switchedScramble({ payload }: Packet): Uint8Array | undefined {
  if (payload[0] !== SWITCH) return undefined;
  const end = payload.indexOf(0, 1);
  return end === -1 ? undefined : payload.slice(end + 1, end + 1 + SCRAMBLE);
}

/** Whether a server's packet asks for the password itself, over TLS or encrypted (caching_sha2_password). */
export function wantsPassword({ payload }: Packet): boolean {
  return payload.length === 2 && payload[0] === MORE_DATA && payload[1] === WANTS_PASSWORD;
}

/** Whether a client's packet, after such a one, asks for the key to encrypt it with. */
export function wantsKey({ payload }: Packet): boolean {
  return payload.length === 1 && payload[0] === WANTS_KEY;
}

/** The payload that gives a client the key, a public one in PEM. */
export function encodeKey(pem: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(MORE_DATA), pem]);
}

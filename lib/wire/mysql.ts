/** The packets of a MySQL connection up to its authentication (MySQL's documentation, "Connection Phase"; MariaDB's is the same). Queries are not for this. */
import { bad, MORE, type Decoded } from "./decode.ts";
import { decodeUtf8 } from "./utf8.ts";

/** Length of three bytes, low first, and a number that grows by one from packet to packet. */
const HEADER = 4;
const PROTOCOL_10 = 10;
const ERROR = 0xff;
const OK = 0x00;
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
  /** The same without the offer of TLS. */
  | { type: "greeting"; withoutTls: Uint8Array; offersTls: boolean }
  /** The message is nobody's: it came in the clear. */
  | { type: "error"; message: string };

/** What a server begins with. */
export function decodeGreeting({ number, payload }: Packet): Greeting | { type: "bad"; reason: string } {
  if (number !== 0) return { type: "bad", reason: `the greeting has the number ${number}` };
  if (payload[0] === ERROR) return { type: "error", message: decodeUtf8(payload.subarray(3)) ?? "" };
  if (payload[0] !== PROTOCOL_10) return { type: "bad", reason: "this is no greeting of protocol 10" };
  const end = payload.indexOf(0, 1);
  // Behind the version: a thread number of 4 bytes, 8 bytes of the scramble, a zero, the lower capabilities.
  const at = end + 1 + 4 + 8 + 1;
  if (end === -1 || at + 2 > payload.length) return { type: "bad", reason: "the greeting is cut short" };
  const capabilities = payload[at]! | (payload[at + 1]! << 8);
  if ((capabilities & CLIENT_PROTOCOL_41) === 0) return { type: "bad", reason: "the server is older than 4.1" };
  const withoutTls = payload.slice();
  withoutTls[at + 1] = (capabilities & ~CLIENT_SSL) >> 8;
  return {
    type: "greeting",
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

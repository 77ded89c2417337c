/** The first messages of the PostgreSQL protocol, up to TLS (its documentation, "Message Formats"). Queries are not for this. */
import { bad, MORE, type Decoded } from "./decode.ts";
import { decodeUtf8 } from "./utf8.ts";

/** What a client may begin with. Of all but `tls` eight bytes are read. */
export type Startup =
  | "ssl_request"
  | "gssenc_request"
  | "cancel_request"
  /** A StartupMessage: the session itself, in the clear. */
  | "startup"
  /** A TLS record: TLS without asking for it (PostgreSQL 17, `sslnegotiation=direct`). */
  | "tls";

const TLS_HANDSHAKE = 0x16;
/** Major version of codes that are no version; the minor tells them apart. */
const SPECIAL = 1234;
const REQUESTS: Record<number, Startup | undefined> = {
  5678: "cancel_request",
  5679: "ssl_request",
  5680: "gssenc_request",
};
/** What a server takes for its first message, in bytes (MAX_STARTUP_PACKET_LENGTH). */
const LONGEST_STARTUP = 10_000;
/** Length, code, process id, and a key of 4 bytes, or up to 256 since protocol 3.2. */
const CANCEL = { least: 16, most: 268 } as const;

/** Decodes the beginning of a client's stream; `length` is 0 for `tls`, which is not taken off. */
export function decodeStartup(bytes: Uint8Array): Decoded<Startup> {
  if (bytes[0] === TLS_HANDSHAKE) return { kind: "ok", value: "tls", length: 0 };
  // The first two bytes of a length below 64 KiB.
  if ((bytes[0] ?? 0) !== 0 || (bytes[1] ?? 0) !== 0) return bad("this is no PostgreSQL startup");
  if (bytes.length < 4) return MORE;
  const size = bytes[2]! * 256 + bytes[3]!;
  if (size < 8 || size > LONGEST_STARTUP) return bad(`the length of the startup is ${size}`);
  if (bytes.length < 8) return MORE;
  const major = bytes[4]! * 256 + bytes[5]!;
  const minor = bytes[6]! * 256 + bytes[7]!;
  const value = major === SPECIAL ? REQUESTS[minor] : major === 2 || major === 3 ? "startup" : undefined;
  if (value === undefined) return bad(`the startup asks for version ${major}.${minor}`);
  const fits =
    value === "startup" || (value === "cancel_request" ? size >= CANCEL.least && size <= CANCEL.most : size === 8);
  return fits ? { kind: "ok", value, length: 8 } : bad(`the length of a request is ${size}`);
}

export const SSL_REQUEST = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f);

/** One byte: whether the encryption that was asked for is granted. */
export const GRANTED = Uint8Array.of(0x53);
export const DENIED = Uint8Array.of(0x4e);

/** An ErrorResponse that ends the session. `state` is a SQLSTATE. */
export function encodeFatal(state: string, message: string): Uint8Array {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${state}\0M${message}\0\0`);
  const head = Buffer.from("E....");
  head.writeUInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

/** What a server says to an SSLRequest. */
type SslAnswer = { type: "granted" } | { type: "denied" } | { type: "error"; message: string };

/** Bytes of an ErrorResponse that are waited for. */
const LONGEST_ERROR = 8192;

/** Decodes the answer: `S`, `N`, or an ErrorResponse, whose message nobody vouches for. */
export function decodeSslAnswer(bytes: Uint8Array): Decoded<SslAnswer> {
  const first = bytes[0];
  if (first === undefined) return MORE;
  if (first === GRANTED[0]) return { kind: "ok", value: { type: "granted" }, length: 1 };
  if (first === DENIED[0]) return { kind: "ok", value: { type: "denied" }, length: 1 };
  if (first !== 0x45) return bad("this is no answer to an SSLRequest");
  if (bytes.length < 5) return MORE;
  const size = Buffer.from(bytes.subarray(1, 5)).readUInt32BE();
  if (size < 5 || size > LONGEST_ERROR) return bad(`the length of the error is ${size}`);
  const length = 1 + size;
  if (bytes.length < length) return MORE;
  return { kind: "ok", value: { type: "error", message: messageOf(bytes.subarray(5, length)) }, length };
}

/** The field `M` of an ErrorResponse; empty where there is none. */
function messageOf(fields: Uint8Array): string {
  for (let at = 0; at < fields.length && fields[at] !== 0;) {
    const zero = fields.indexOf(0, at);
    const end = zero === -1 ? fields.length : zero;
    if (fields[at] === 0x4d) return decodeUtf8(fields.subarray(at + 1, end)) ?? "";
    at = end + 1;
  }
  return "";
}

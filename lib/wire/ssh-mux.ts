/** What is said on the control socket of OpenSSH (PROTOCOL.mux of its sources), as far as tunnels need it. Bytes only. */
import { bad, MORE, type Decoded } from "./decode.ts";
import { decodeUtf8 } from "./utf8.ts";

/** The only version that there is. */
const VERSION = 4;
const HELLO = 0x0000_0001;
const NEW_STDIO_FWD = 0x1000_0008;
const PERMISSION_DENIED = 0x8000_0002;
const FAILURE = 0x8000_0003;
const SESSION_OPENED = 0x8000_0006;
/** Bytes of a packet: OpenSSH itself takes no longer ones. */
const LONGEST = 256 * 1024;

export type SshMuxReply =
  | { kind: "hello"; version: number }
  | { kind: "opened"; request: number; session: number }
  | { kind: "failed" | "not_permitted"; request: number; reason: string }
  /** Of a type that says nothing to tunnels. */
  | { kind: "other"; type: number };

/** Our greeting, and what asks for a tunnel; two descriptors are to follow, to read from and to write to. */
export function encodeSshTunnel(request: number, host: string, port: number): Uint8Array {
  const name = new TextEncoder().encode(host);
  const payload = new Uint8Array(20 + name.length);
  const view = new DataView(payload.buffer);
  view.setUint32(0, NEW_STDIO_FWD);
  view.setUint32(4, request);
  // At 8 a reserved text, which is empty.
  view.setUint32(12, name.length);
  payload.set(name, 16);
  view.setUint32(16 + name.length, port);
  return Uint8Array.of(...words(8, HELLO, VERSION), ...words(payload.length), ...payload);
}

/** One packet. Its request is not compared with any. */
export function decodeSshMux(bytes: Uint8Array): Decoded<SshMuxReply> {
  if (bytes.length < 4) return MORE;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0);
  if (length > LONGEST) return bad(`a packet of ${length} bytes is too long`);
  if (length < 4) return bad("a packet has no type");
  if (bytes.length < 4 + length) return MORE;
  const value = decodePacket(new DataView(bytes.buffer, bytes.byteOffset + 4, length));
  return typeof value === "string" ? bad(value) : { kind: "ok", value, length: 4 + length };
}

function decodePacket(packet: DataView): SshMuxReply | string {
  const type = packet.getUint32(0);
  const known = type === HELLO || type === SESSION_OPENED || type === FAILURE || type === PERMISSION_DENIED;
  if (!known) return { kind: "other", type };
  if (packet.byteLength < (type === HELLO ? 8 : 12)) return "a packet is too short for its type";
  const first = packet.getUint32(4);
  if (type === HELLO) {
    // Extensions may follow, which are to be ignored.
    return first === VERSION ? { kind: "hello", version: first } : `version ${first} is not ${VERSION}`;
  }
  const second = packet.getUint32(8);
  if (type === SESSION_OPENED) return { kind: "opened", request: first, session: second };
  if (second > packet.byteLength - 12) return "a reason is longer than its packet";
  const reason = decodeUtf8(new Uint8Array(packet.buffer, packet.byteOffset + 12, second));
  if (reason === undefined) return "a reason is not UTF-8";
  return { kind: type === FAILURE ? "failed" : "not_permitted", request: first, reason };
}

function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => view.setUint32(4 * i, value));
  return bytes;
}

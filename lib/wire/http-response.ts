/** The head of an HTTP/1 response (RFC 9112), as far as a client of CONNECT needs it: its status. Fields and content are not read. */
import { bad, MORE, type Decoded } from "./decode.ts";
import { findHeadEnd } from "./http-connect.ts";

const BEGINNING = Buffer.from("HTTP/1.");
const STATUS_LINE = /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r?\n/;

/**
 * Decodes up to the empty line: the status. `from` is where to look for its end, three bytes before what was looked at
 * already. What is no response is refused at its first wrong byte.
 */
export function decodeResponse(bytes: Uint8Array, from = 0): Decoded<number> {
  for (let i = 0; i < BEGINNING.length && i < bytes.length; i++) {
    if (bytes[i] !== BEGINNING[i]) return bad("this is no HTTP/1 response");
  }
  const length = findHeadEnd(bytes, from);
  if (length === 0) return MORE;
  const [, status] = STATUS_LINE.exec(Buffer.prototype.toString.call(bytes, "latin1", 0, length)) ?? [];
  return status === undefined ? bad("the status line is malformed") : { kind: "ok", value: Number(status), length };
}

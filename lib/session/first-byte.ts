/** Whether a client begins with TLS, by its first byte. Consumes nothing. */
import type { Preface, PrefaceStep } from "./preface.ts";

/** A record of the handshake protocol (RFC 8446 section 5.1), which no protocol of the access proxy begins with. */
const HANDSHAKE = 0x16;

type Step = Exclude<PrefaceStep<boolean, "no_bytes">, { type: "send" }>;

/** Comes to `true` for TLS; all that was read is behind it. */
export class FirstByte implements Preface<boolean, "no_bytes"> {
  start(): Step[] {
    return [];
  }

  receive(bytes: Uint8Array): Step[] {
    return bytes.length === 0 ? [] : [{ type: "done", value: bytes[0] === HANDSHAKE, rest: bytes }];
  }

  ended(): Step {
    return { type: "fail", code: "no_bytes", reason: "the client left without a word" };
  }
}

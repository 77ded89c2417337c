/** The client's half of a proxy handshake, as bytes in and steps out. It reads no socket and trusts no split of the bytes. */

import { HELLO_ANSWER } from "./pattern.ts";

export type Via = "socks" | "connect" | "none";

export type Step =
  | { kind: "more" }
  | { kind: "send"; bytes: Uint8Array }
  /** The tunnel is open; `rest` is what the target has said already. */
  | { kind: "ready"; rest: Uint8Array }
  | { kind: "refused"; why: string };

export interface Dialog {
  /** What to send first; empty when there is no handshake. */
  first: Uint8Array;
  step(received: Uint8Array): Step;
}

const NOTHING = new Uint8Array(0);
const MORE: Step = { kind: "more" };
/** SOCKS 5, one method: no authentication (RFC 1928 section 3). */
const GREETING = Uint8Array.of(5, 1, 0);
const HEADER_LIMIT = 16_384;

/**
 * A factory of dialogs that ask for `port` on one of `hosts` (IPv4), each in turn. Requests are encoded once, since
 * thousands of tunnels are opened per second.
 */
export function dialogs(via: Via, hosts: readonly string[], port: number): () => Dialog {
  if (via === "none") return () => ({ first: NOTHING, step: (rest) => ({ kind: "ready", rest }) });
  const [encode, dialog] = via === "socks" ? [socksRequest, socksDialog] : [connectRequest, connectDialog];
  const requests = hosts.map((host) => encode(host, port));
  let next = 0;
  return () => dialog(requests[next++ % requests.length]!);
}

/** A factory of dialogs that begin with one of `hellos` (base64), each in turn. */
export function helloDialogs(hellos: readonly string[]): () => Dialog {
  const firsts = hellos.map((hello) => Buffer.from(hello, "base64"));
  let next = 0;
  return () => ({
    first: firsts[next++ % firsts.length]!,
    step: (received) =>
      received[0] === HELLO_ANSWER
        ? { kind: "ready", rest: received.subarray(1) }
        : { kind: "refused", why: `${received[0]} in place of the answer to the hello` },
  });
}

function socksRequest(host: string, port: number): Uint8Array {
  return Uint8Array.of(5, 1, 0, 1, ...host.split(".").map(Number), port >> 8, port & 255);
}

function connectRequest(host: string, port: number): Uint8Array {
  return new TextEncoder().encode(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`);
}

/** RFC 1928 sections 3, 4 and 6. */
function socksDialog(request: Uint8Array): Dialog {
  let pending: Uint8Array = NOTHING;
  let greeted = false;
  return {
    first: GREETING,
    step(received) {
      pending = join(pending, received);
      if (!greeted) {
        if (pending.length < 2) return MORE;
        if (pending[0] !== 5 || pending[1] !== 0) return { kind: "refused", why: `method ${pending[1]}` };
        greeted = true;
        pending = pending.subarray(2);
        return { kind: "send", bytes: request };
      }
      if (pending.length < 5) return MORE;
      if (pending[0] !== 5 || pending[1] !== 0) return { kind: "refused", why: `reply ${pending[1]}` };
      const length = replyLength(pending[3]!, pending[4]!);
      if (length === undefined) return { kind: "refused", why: `address type ${pending[3]}` };
      return pending.length < length ? MORE : { kind: "ready", rest: pending.subarray(length) };
    },
  };
}

function replyLength(addressType: number, nameLength: number): number | undefined {
  if (addressType === 1) return 10;
  if (addressType === 4) return 22;
  return addressType === 3 ? 7 + nameLength : undefined;
}

/** RFC 9110 section 9.3.6: any 2xx opens the tunnel, directly after the empty line. */
function connectDialog(request: Uint8Array): Dialog {
  let pending: Uint8Array = NOTHING;
  return {
    first: request,
    step(received) {
      pending = join(pending, received);
      const head = Buffer.from(pending.buffer, pending.byteOffset, pending.length);
      const end = head.indexOf("\r\n\r\n");
      if (end === -1) return head.length > HEADER_LIMIT ? { kind: "refused", why: "endless header" } : MORE;
      const status = head.subarray(0, 12).toString("latin1");
      if (!status.startsWith("HTTP/1.") || status[9] !== "2") {
        return { kind: "refused", why: JSON.stringify(status) };
      }
      return { kind: "ready", rest: pending.subarray(end + 4) };
    },
  };
}

/** Socket buffers are reused by the runtime, so that what must outlive the call is copied. */
function join(pending: Uint8Array, received: Uint8Array): Uint8Array {
  const all = new Uint8Array(pending.length + received.length);
  all.set(pending);
  all.set(received, pending.length);
  return all;
}

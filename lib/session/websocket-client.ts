/** The client's side of the opening handshake of a WebSocket (RFC 6455 section 4.1): bytes in, steps out. Frames are not looked at. */
import { decodeFields, findHeadEnd } from "../wire/http-connect.ts";
import { decodeResponse } from "../wire/http-response.ts";
import type { HeaderField } from "../wire/hpack.ts";
import type { Preface, PrefaceStep } from "./preface.ts";
import { Prefix } from "./prefix.ts";

/** What the server answered with, of its own words: subprotocol and extensions. */
export type WebSocketOpened = readonly HeaderField[];

/** `status`: the server's own refusal, where it gave one. */
type WebSocketFault = "malformed" | `status ${number}`;

interface WebSocketRequest {
  /** Path and query. */
  path: string;
  authority: string;
  /** Those that travel on. */
  fields: readonly HeaderField[];
  /** Base64 of 16 random bytes, and what the server must make of it. */
  key: string;
  accept: string;
}

type Step = PrefaceStep<WebSocketOpened, WebSocketFault>;
type Failure = Extract<Step, { type: "fail" }>;

const MOST_HEAD = 16 * 1024;
/** Of the answer, what the client is told. */
const PASSED_ON = new Set(["sec-websocket-protocol", "sec-websocket-extensions", "set-cookie"]);

export class WebSocketClient implements Preface<WebSocketOpened, WebSocketFault> {
  readonly #request: Uint8Array;
  readonly #accept: string;
  readonly #prefix = new Prefix();
  #over = false;

  constructor({ path, authority, fields, key, accept }: WebSocketRequest) {
    const head: HeaderField[] = [
      ["Host", authority],
      ["Upgrade", "websocket"],
      ["Connection", "Upgrade"],
      ["Sec-WebSocket-Key", key],
      ...fields,
    ];
    const lines = head.map(([name, value]) => `${name}: ${value}\r\n`);
    this.#request = Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1");
    this.#accept = accept;
  }

  start(): Step[] {
    return [{ type: "send", bytes: this.#request }];
  }

  receive(bytes: Uint8Array): Step[] {
    if (this.#over) return [];
    const held = this.#prefix.append(bytes);
    const decoded = decodeResponse(held);
    if (decoded.kind === "bad") return this.#finish(fault(decoded.reason));
    if (decoded.kind === "more") {
      return held.length <= MOST_HEAD ? [] : this.#finish(fault("the head of the answer is too large"));
    }
    if (decoded.value !== 101) {
      const code = `status ${decoded.value}` as const;
      return this.#finish({ type: "fail", code, reason: `the server answered ${decoded.value}` });
    }
    return this.#finish(this.#judge(held, decoded.length));
  }

  ended(): Failure {
    return fault("the server ended the connection before it answered");
  }

  #judge(head: Uint8Array, length: number): Step {
    const fields = decodeFields(head.slice(0, findHeadEnd(head, 0)), head.indexOf(0x0a) + 1);
    const all = (name: string) => fields.filter(([known]) => known === name).map(([, value]) => value);
    if (all("upgrade").join().toLowerCase() !== "websocket") return fault("the server upgraded to something else");
    const connection = all("connection").join().toLowerCase().split(",");
    if (!connection.some((token) => token.trim() === "upgrade")) return fault("the server did not upgrade");
    if (all("sec-websocket-accept").join() !== this.#accept) return fault("Sec-WebSocket-Accept is wrong");
    const value = fields.filter(([name]) => PASSED_ON.has(name));
    return { type: "done", value, rest: this.#prefix.rest(length) };
  }

  #finish(step: Step): Step[] {
    this.#over = true;
    return [step];
  }
}

function fault(reason: string): Failure {
  return { type: "fail", code: "malformed", reason };
}

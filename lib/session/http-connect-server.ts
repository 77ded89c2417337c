/** The server's side of one HTTP/1 CONNECT: bytes in, steps out. Forward requests (`GET http://…`) are not for this. */
import { decodeBasic, decodeConnect, decodeFields, findHeadEnd, type ConnectHead } from "../wire/http-connect.ts";
import { after, concat, Front, type FrontSession, type ProxyRequest, type Refusal, type Step } from "./front.ts";
import { answerRefusal, answerUnauthenticated, encodeAnswer, type WriteBody } from "./http-refusal.ts";

const OPEN = Buffer.from("HTTP/1.1 200 Connection established\r\n\r\n");

export class HttpConnectServer extends Front implements FrontSession {
  readonly protocol = "http";
  /** Behind `held`, with room for more. */
  #memory: Uint8Array | undefined;
  #request: ProxyRequest | undefined;
  #done = false;
  readonly #mostHead: number;

  /** `mostHead` is the size in bytes that a head may have. */
  constructor(withUsers: boolean, mostHead: number) {
    super(withUsers);
    this.#mostHead = mostHead;
  }

  receive(bytes: Uint8Array): Step[] {
    if (this.#done) {
      this.held = concat(this.held, bytes);
      return [];
    }
    const before = this.held.length;
    this.#append(bytes);
    const end = findHeadEnd(this.held, Math.max(0, before - 3));
    if (end === 0) {
      return this.held.length <= this.#mostHead ? [] : this.#fail("the request head is too large");
    }
    const decoded = decodeConnect(this.held, end);
    if (decoded.kind === "more") return [];
    this.#done = true;
    if (decoded.kind === "bad") return this.#fail(decoded.reason);
    if (decoded.length > this.#mostHead) return this.#fail("the request head is too large");
    const head = this.held;
    this.held = after(head, decoded.length);
    this.#request = requestOf(decoded.value, () => decodeFields(head, decoded.value.fieldsAt));
    return this.withUsers ? this.#authenticate(this.#request) : [{ type: "request", request: this.#request }];
  }

  /** Only for the head, which `held` holds from its first byte: one that comes byte by byte is copied a few times. */
  #append(bytes: Uint8Array): void {
    if (this.held.length === 0) {
      this.held = bytes;
      return;
    }
    const length = this.held.length + bytes.length;
    if (this.#memory === undefined || this.#memory.length < length) {
      this.#memory = new Uint8Array(Math.max(256, 2 * length));
      this.#memory.set(this.held);
    }
    this.#memory.set(bytes, this.held.length);
    this.held = this.#memory.subarray(0, length);
  }

  #authenticate({ http }: ProxyRequest): Step[] {
    const value = http?.headers().find(([name]) => name === "proxy-authorization")?.[1];
    const credentials = value === undefined ? undefined : decodeBasic(value);
    if (credentials !== undefined) return [{ type: "authenticate", ...credentials }];
    const reason = value === undefined ? "no credentials" : "the credentials are not Basic";
    return [
      { type: "fail", reason, bytes: encodeAnswer(answerUnauthenticated("this proxy asks for a user and a password")) },
    ];
  }

  authenticated(accepted: boolean): Step[] {
    if (accepted) return [{ type: "request", request: this.#request! }];
    const bytes = encodeAnswer(answerUnauthenticated("the user or the password is wrong"));
    return [{ type: "fail", reason: "wrong user name or password", bytes }];
  }

  #fail(reason: string): Step[] {
    this.#done = true;
    return [{ type: "fail", reason, bytes: encodeAnswer(answerRefusal("bad_request", reason)) }];
  }

  accept(): Uint8Array {
    return OPEN;
  }

  refuse(refusal: Refusal, message: string, write?: WriteBody): Uint8Array {
    return encodeAnswer(answerRefusal(refusal, message, write));
  }
}

function requestOf({ host, port, version }: ConnectHead, headers: () => [string, string][]): ProxyRequest {
  const http = { method: "CONNECT", path: "", query: "", headers, version };
  return { protocol: "http", host, ip: undefined, port, http };
}

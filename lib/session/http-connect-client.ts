/** The client's side of one HTTP/1 CONNECT (RFC 9110 section 9.3.6), for an outbound proxy: bytes in, steps out. Resolves no name. */
import { decodeResponse } from "../wire/http-response.ts";
import { basicCredentials, connectAuthority, connectRefusal } from "./connect-status.ts";
import type { ProxyCredentials, ProxyFault, ProxyTarget } from "./outbound-proxy.ts";
import type { Preface, PrefaceStep } from "./preface.ts";
import { Prefix } from "./prefix.ts";

type Step = PrefaceStep<undefined, ProxyFault>;
type Failure = Extract<Step, { type: "fail" }>;

/** Bytes of all heads of an answer, interim ones (1xx) included. */
const MOST_HEAD = 16 * 1024;

export class HttpConnectClient implements Preface<undefined, ProxyFault> {
  readonly #request: Uint8Array;
  readonly #prefix = new Prefix();
  readonly #withCredentials: boolean;
  #looked = 0;
  #taken = 0;
  #over = false;

  constructor({ host, port }: ProxyTarget, credentials: ProxyCredentials | undefined) {
    const authority = connectAuthority(host, port);
    const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`];
    if (credentials !== undefined) {
      lines.push(`Proxy-Authorization: ${basicCredentials(credentials.user, credentials.password)}`);
    }
    this.#request = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
    this.#withCredentials = credentials !== undefined;
  }

  start(): Step[] {
    return [{ type: "send", bytes: this.#request }];
  }

  receive(bytes: Uint8Array): Step[] {
    if (this.#over) return [];
    this.#prefix.append(bytes);
    const step = this.#next();
    this.#over = step !== undefined;
    return step === undefined ? [] : [step];
  }

  ended(): Failure {
    return fault("proxy_malformed", "the proxy ended the connection before it answered");
  }

  #next(): Step | undefined {
    for (;;) {
      const held = this.#prefix.bytes;
      const decoded = decodeResponse(held, Math.max(0, this.#looked - 3));
      const head = decoded.kind === "ok" ? decoded.length : held.length;
      if (decoded.kind === "bad")
        return fault("proxy_malformed", `the proxy does not answer in HTTP: ${decoded.reason}`);
      if (this.#taken + head > MOST_HEAD)
        return fault("proxy_malformed", "the head of the proxy's answer is too large");
      if (decoded.kind === "more") {
        this.#looked = held.length;
        return undefined;
      }
      const { value: status, length } = decoded;
      // An answer of 2xx has no content, whatever its fields say.
      if (status >= 200 && status < 300) return { type: "done", value: undefined, rest: this.#prefix.rest(length) };
      if (status >= 200 || status === 101) return { type: "fail", ...connectRefusal(status, this.#withCredentials) };
      this.#taken += length;
      this.#looked = 0;
      this.#prefix.append(this.#prefix.rest(length));
    }
  }
}

function fault(code: ProxyFault, reason: string): Failure {
  return { type: "fail", code, reason };
}

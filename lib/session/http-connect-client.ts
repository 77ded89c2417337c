/** The client's side of one HTTP/1 CONNECT (RFC 9110 section 9.3.6), for an outbound proxy: bytes in, steps out. Resolves no name. */
import { decodeResponse } from "../wire/http-response.ts";
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
    const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`];
    if (credentials !== undefined) {
      const { user, password } = credentials;
      lines.push(`Proxy-Authorization: Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`);
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
      if (status >= 200 || status === 101) return this.#refused(status);
      this.#taken += length;
      this.#looked = 0;
      this.#prefix.append(this.#prefix.rest(length));
    }
  }

  /** The phrase of the answer is not repeated: it is the proxy's, and could hold what it was told. */
  #refused(status: number): Failure {
    // 407 is the status for it; tinyproxy says 401 to wrong ones.
    if (status === 407 || status === 401) {
      const what = this.#withCredentials ? "refuses the user or the password" : "wants credentials";
      return fault("proxy_credentials", `the proxy ${what} (HTTP status ${status})`);
    }
    return fault(FAULTS[status] ?? "proxy_failed", `the proxy did not connect (HTTP status ${status})`);
  }
}

const FAULTS: Record<number, ProxyFault | undefined> = {
  403: "proxy_denied",
  405: "proxy_denied",
  504: "proxy_timeout",
};

function fault(code: ProxyFault, reason: string): Failure {
  return { type: "fail", code, reason };
}

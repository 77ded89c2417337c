/** The rule of `--accept-proxy-from`: a PROXY header is required from those addresses, and refused from all others. Knows no address. */
import { decodeProxyHeader, detectProxyHeader } from "../wire/proxy-protocol.ts";
import type { ProxyHeader } from "../wire/proxy-v2.ts";
import type { Preface, PrefaceStep } from "./preface.ts";
import { Prefix } from "./prefix.ts";

export type ProxyHeaderFault = "proxy_header_missing" | "proxy_header_malformed" | "proxy_header_untrusted";

type Step = Exclude<PrefaceStep<ProxyHeader | undefined, ProxyHeaderFault>, { type: "send" }>;

/**
 * The listener's side: comes to the header, or to undefined for a client that may send none and did not. A header that is
 * not whole is never a stream, and the first bytes of a stream never a header.
 */
export class ProxyHeaderReader implements Preface<ProxyHeader | undefined, ProxyHeaderFault> {
  readonly #trusted: boolean;
  readonly #prefix = new Prefix();

  /** Whether the connection comes from an address that is to send a header. */
  constructor(trusted: boolean) {
    this.#trusted = trusted;
  }

  start(): Step[] {
    return [];
  }

  receive(bytes: Uint8Array): Step[] {
    const held = this.#prefix.append(bytes);
    const detected = detectProxyHeader(held);
    if (detected === "more") return [];
    if (!this.#trusted) return [detected === "none" ? this.#done(undefined, 0) : UNTRUSTED];
    if (detected === "none") return [MISSING];
    const decoded = decodeProxyHeader(held);
    if (decoded.kind === "more") return [];
    if (decoded.kind === "bad") return [malformed(decoded.reason)];
    return [this.#done(decoded.value, decoded.length)];
  }

  ended(): Step {
    if (!this.#trusted) return this.#done(undefined, 0);
    return detectProxyHeader(this.#prefix.bytes) === "more" ? MISSING : malformed("the header is cut short");
  }

  #done(value: ProxyHeader | undefined, length: number): Step {
    return { type: "done", value, rest: this.#prefix.rest(length) };
  }
}

const UNTRUSTED: Step = {
  type: "fail",
  code: "proxy_header_untrusted",
  reason: "a PROXY header came from an address that may send none",
};

const MISSING: Step = {
  type: "fail",
  code: "proxy_header_missing",
  reason: "no PROXY header came from an address that must send one",
};

function malformed(reason: string): Step {
  return { type: "fail", code: "proxy_header_malformed", reason: `the PROXY header is malformed: ${reason}` };
}

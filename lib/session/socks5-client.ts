/** The client's side of the SOCKS5 dialogue (RFC 1928, RFC 1929), for an outbound proxy: bytes in, steps out. Resolves no name. */
import { METHOD, REPLY } from "../wire/socks5.ts";
import {
  decodeMethod,
  decodePasswordStatus,
  decodeReply,
  encodeConnect,
  encodeGreeting,
  encodePassword,
  offeredMethods,
} from "../wire/socks5-client.ts";
import type { ProxyCredentials, ProxyFault, ProxyTarget } from "./outbound-proxy.ts";
import type { Preface, PrefaceStep } from "./preface.ts";
import { Prefix } from "./prefix.ts";

type Step = PrefaceStep<undefined, ProxyFault>;
type Failure = Extract<Step, { type: "fail" }>;

export class Socks5Client implements Preface<undefined, ProxyFault> {
  readonly #target: ProxyTarget;
  readonly #credentials: ProxyCredentials | undefined;
  readonly #prefix = new Prefix();
  #awaited: "method" | "status" | "reply" | "nothing" = "method";

  constructor(target: ProxyTarget, credentials: ProxyCredentials | undefined) {
    this.#target = target;
    this.#credentials = credentials;
  }

  start(): Step[] {
    return [{ type: "send", bytes: encodeGreeting(offeredMethods(this.#credentials !== undefined)) }];
  }

  receive(bytes: Uint8Array): Step[] {
    this.#prefix.append(bytes);
    const steps: Step[] = [];
    while (this.#awaited !== "nothing") {
      const step = this.#next();
      if (step === undefined) break;
      steps.push(step);
      if (step.type !== "send") this.#awaited = "nothing";
    }
    return steps;
  }

  ended(): Failure {
    return fault("proxy_malformed", "the proxy ended the connection before it answered");
  }

  #next(): Step | undefined {
    switch (this.#awaited) {
      case "method":
        return this.#method();
      case "status":
        return this.#status();
      default:
        return this.#reply();
    }
  }

  #method(): Step | undefined {
    const decoded = decodeMethod(this.#prefix.bytes);
    if (decoded.kind === "more") return undefined;
    if (decoded.kind === "bad") return fault("proxy_malformed", `the proxy does not speak SOCKS5: ${decoded.reason}`);
    if (decoded.value === METHOD.noAcceptable) {
      const what = this.#credentials === undefined ? "wants credentials" : "takes neither credentials nor none";
      return fault("proxy_credentials", `the proxy ${what}`);
    }
    if (!offeredMethods(this.#credentials !== undefined).includes(decoded.value)) {
      return fault("proxy_malformed", `the proxy chose method ${decoded.value}, which was not offered`);
    }
    this.#drop(decoded.length);
    if (decoded.value === METHOD.none) return this.#connect();
    const { user, password } = this.#credentials!;
    this.#awaited = "status";
    return { type: "send", bytes: encodePassword(user, password) };
  }

  #status(): Step | undefined {
    const decoded = decodePasswordStatus(this.#prefix.bytes);
    if (decoded.kind === "more") return undefined;
    if (decoded.kind === "bad") return fault("proxy_malformed", `the proxy does not speak SOCKS5: ${decoded.reason}`);
    if (!decoded.value) return fault("proxy_credentials", "the proxy refuses the user or the password");
    this.#drop(decoded.length);
    return this.#connect();
  }

  #connect(): Step {
    this.#awaited = "reply";
    return { type: "send", bytes: encodeConnect(this.#target.host, this.#target.port) };
  }

  #reply(): Step | undefined {
    const decoded = decodeReply(this.#prefix.bytes);
    if (decoded.kind === "more") return undefined;
    if (decoded.kind === "bad") return fault("proxy_malformed", `the proxy does not speak SOCKS5: ${decoded.reason}`);
    if (decoded.value === REPLY.succeeded) {
      return { type: "done", value: undefined, rest: this.#prefix.rest(decoded.length) };
    }
    const [code, meaning] = REPLIES[decoded.value] ?? ["proxy_failed", "a reply that is not known"];
    return fault(code, `the proxy did not connect: ${meaning} (SOCKS5 reply ${decoded.value})`);
  }

  #drop(length: number): void {
    this.#prefix.append(this.#prefix.rest(length));
  }
}

/** RFC 1928 section 6. */
const REPLIES: Record<number, [ProxyFault, string] | undefined> = {
  [REPLY.generalFailure]: ["proxy_failed", "general failure"],
  [REPLY.notAllowed]: ["proxy_denied", "not allowed by its rules"],
  [REPLY.networkUnreachable]: ["proxy_network_unreachable", "network unreachable"],
  [REPLY.hostUnreachable]: ["proxy_host_unreachable", "host unreachable"],
  [REPLY.connectionRefused]: ["proxy_refused", "connection refused"],
  [REPLY.ttlExpired]: ["proxy_timeout", "TTL expired"],
  [REPLY.commandNotSupported]: ["proxy_failed", "command not supported"],
  [REPLY.addressTypeNotSupported]: ["proxy_failed", "address type not supported"],
};

function fault(code: ProxyFault, reason: string): Failure {
  return { type: "fail", code, reason };
}

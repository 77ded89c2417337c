/** The server's side of the SOCKS5 dialogue (RFC 1928, RFC 1929): bytes in, steps out. Decides nothing, opens nothing. */
import { canonicalHost } from "../wire/host.ts";
import { isUnspecified, type Ip } from "../wire/ip.ts";
import {
  COMMAND,
  decodeGreeting,
  decodePassword,
  decodeRequest,
  encodeAssociated,
  encodePasswordStatus,
  encodeReply,
  METHOD,
  METHOD_CHOSEN,
  REPLY,
  type Reply,
  type SocksRequest,
} from "../wire/socks5.ts";
import { after, concat, Front, NOTHING, type FrontSession, type Refusal, type Step } from "./front.ts";

type State = "greeting" | "password" | "verdict" | "request" | "done";

/** With users, username/password is the only method that is taken; without, only "no authentication". */
export class Socks5Server extends Front implements FrontSession {
  readonly protocol = "socks5";
  readonly #withDatagrams: boolean;
  #state: State = "greeting";

  /** UDP ASSOCIATE is a command only with `withDatagrams`. */
  constructor(withUsers: boolean, withDatagrams = false) {
    super(withUsers);
    this.#withDatagrams = withDatagrams;
  }

  receive(bytes: Uint8Array): Step[] {
    this.held = concat(this.held, bytes);
    const steps: Step[] = [];
    // Some clients send the request before they saw the method: each message is taken as soon as it is whole.
    while (this.#state !== "done" && this.#state !== "verdict") {
      const step = this.#next();
      if (step === undefined) break;
      steps.push(step);
      if (step.type === "fail") this.#state = "done";
    }
    return steps;
  }

  #next(): Step | undefined {
    switch (this.#state) {
      case "greeting":
        return this.#greeting();
      case "password":
        return this.#password();
      default:
        return this.#request();
    }
  }

  #greeting(): Step | undefined {
    const method = this.withUsers ? "password" : "none";
    const decoded = decodeGreeting(this.held, METHOD[method]);
    if (decoded.kind === "more") return undefined;
    if (decoded.kind === "bad") return { type: "fail", reason: decoded.reason };
    if (!decoded.value) {
      const reason = this.withUsers ? "the client offers no username/password" : "the client insists on authentication";
      return { type: "fail", reason, bytes: METHOD_CHOSEN.noAcceptable };
    }
    this.held = after(this.held, decoded.length);
    this.#state = this.withUsers ? "password" : "request";
    return { type: "send", bytes: METHOD_CHOSEN[method] };
  }

  #password(): Step | undefined {
    const decoded = decodePassword(this.held);
    if (decoded.kind === "more") return undefined;
    if (decoded.kind === "bad") return { type: "fail", reason: decoded.reason, bytes: encodePasswordStatus(false) };
    this.held = after(this.held, decoded.length);
    this.#state = "verdict";
    return { type: "authenticate", ...decoded.value };
  }

  authenticated(accepted: boolean): Step[] {
    const bytes = encodePasswordStatus(accepted);
    if (!accepted) {
      this.#state = "done";
      return [{ type: "fail", reason: "wrong user name or password", bytes }];
    }
    this.#state = "request";
    return [{ type: "send", bytes }, ...this.receive(NOTHING)];
  }

  #request(): Step | undefined {
    const decoded = decodeRequest(this.held);
    if (decoded.kind === "more") return undefined;
    if (decoded.kind === "bad") {
      return { type: "fail", reason: decoded.reason, bytes: encodeReply(REPLY.generalFailure) };
    }
    const request = decoded.value;
    if ("reply" in request) return { type: "fail", reason: request.reason, bytes: encodeReply(request.reply) };
    this.held = after(this.held, decoded.length);
    this.#state = "done";
    if (request.command === COMMAND.udpAssociate && this.#withDatagrams) return associate(request);
    if (request.command !== COMMAND.connect) {
      return {
        type: "fail",
        reason: `command ${request.command} is not supported`,
        bytes: encodeReply(REPLY.commandNotSupported),
      };
    }
    const { host, ip, port } = request;
    return { type: "request", request: { protocol: "socks5", host, ip, port, http: undefined } };
  }

  accept(): Uint8Array {
    return encodeReply(REPLY.succeeded);
  }

  associated(ip: Ip, port: number): Uint8Array {
    return encodeAssociated(ip, port);
  }

  refuse(refusal: Refusal): Uint8Array {
    return encodeReply(REPLIES[refusal]);
  }
}

/** A name is no address that datagrams come from; but some clients write the address of nobody as the name "0". */
function associate({ host, ip: sent, port }: SocksRequest): Step {
  const ip = sent ?? literalOf(host);
  if (ip === undefined) {
    const reason = "the client names a host as the source of its datagrams";
    return { type: "fail", reason, bytes: encodeReply(REPLY.addressTypeNotSupported) };
  }
  return { type: "associate", source: { ip: isUnspecified(ip) ? undefined : ip, port } };
}

function literalOf(host: string): Ip | undefined {
  const canonical = canonicalHost(host);
  return canonical.error === undefined ? canonical.ip : undefined;
}

const REPLIES: Record<Refusal, Reply> = {
  denied: REPLY.notAllowed,
  bad_request: REPLY.generalFailure,
  unsupported_command: REPLY.commandNotSupported,
  unsupported_address: REPLY.addressTypeNotSupported,
  unsupported_coding: REPLY.generalFailure,
  name_not_found: REPLY.hostUnreachable,
  resolver_failed: REPLY.generalFailure,
  resolver_timeout: REPLY.hostUnreachable,
  refused: REPLY.connectionRefused,
  host_unreachable: REPLY.hostUnreachable,
  network_unreachable: REPLY.networkUnreachable,
  connect_timeout: REPLY.ttlExpired,
  limit: REPLY.generalFailure,
  draining: REPLY.generalFailure,
  failed: REPLY.generalFailure,
};

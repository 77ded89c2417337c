/** One request's way out: place, facts, decision, connection, and the record of each. The protocol in front is not its business. */
import type { Decision } from "../../lib/acl/decision.ts";
import type { Facts } from "../../lib/acl/facts.ts";
import { auditFacts, AUDIT_VERSION, type DecisionEvent } from "../../lib/audit/event.ts";
import { certificateRecord, tlsRecord } from "../../lib/audit/peer-record.ts";
import { formatAddress, type Conn } from "../../lib/net/conn.ts";
import { abandonedDials, type DialError, type DialFailure, type Dialled } from "../../lib/net/dial.ts";
import { decideEgress, type Verdict } from "../../lib/net/egress.ts";
import { formatHostPort } from "../../lib/net/endpoint.ts";
import type { ResolveFailure } from "../../lib/net/resolve.ts";
import type { ProxyRequest, Refusal } from "../../lib/session/front.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import { requestFacts } from "./facts.ts";
import { clientAddress, type Origin } from "./origin.ts";
import { clientKey, digest, type Proxy } from "./proxy.ts";

/** Who asks. */
export interface Asker {
  conn: Conn;
  session: string;
  user: string | undefined;
  /** Absent where the connection is a plain socket. */
  origin: Origin | undefined;
}

/** How the way out ended, for the record. */
export interface Ended {
  reason: string;
  sent: number;
  received: number;
  error?: string | undefined;
}

export interface Passage {
  upstream: Conn;
  /** Gives the place back and records the end; once. */
  close(ended: Ended): void;
}

export interface Refused {
  refusal: Refusal;
  /** For the person at the client: no rule names. */
  message: string;
  /** Where the policy refuses, and the facts that it was decided on. */
  decision?: Decision;
  facts?: Facts;
}

/** Told once what became of a request. */
export interface Answer {
  answered(answer: Passage | Refused): void;
}

/** Decides and connects, and tells `answer` once. Everything that comes of it is recorded here. */
export function openPassage(proxy: Proxy, asker: Asker, asked: ProxyRequest, answer: Answer): void {
  const canonical = asked.ip === undefined ? canonicalHost(asked.host) : { host: asked.host, ip: asked.ip };
  if (canonical.error !== undefined || asked.port === 0) {
    const why = canonical.error ?? "port 0 cannot be connected";
    reject(proxy, asker, "bad_target", `${targetOf(asked)}: ${why}`);
    answer.answered({ refusal: "bad_request", message: why });
    return;
  }
  if (proxy.draining) {
    reject(proxy, asker, "draining", `${targetOf(asked)} was asked for after the stop`);
    answer.answered({ refusal: "draining", message: "the proxy is being stopped" });
    return;
  }
  const client = clientKey(proxy, asker);
  if (!proxy.places.take(client, abandonedDials())) {
    reject(proxy, asker, "limit", `no place for ${targetOf(asked)}`);
    answer.answered({ refusal: "limit", message: "too many connections" });
    return;
  }
  const attempt = new Attempt(proxy, asker, asked, client, answer);
  const verdict = decideEgress(requestFacts(asker, asked, canonical, proxy.wants), proxy);
  if (verdict instanceof Promise) void verdict.then((late) => attempt.decided(late));
  else attempt.decided(verdict);
}

/** A request that has its place: from the decision to the open connection, and its end. */
class Attempt implements Passage, Dialled {
  /** From `opened` on. */
  upstream!: Conn;
  readonly #proxy: Proxy;
  readonly #asker: Asker;
  readonly #asked: ProxyRequest;
  readonly #client: string;
  readonly #answer: Answer;
  readonly #started = performance.now();
  #dest: string | undefined;
  #over = false;

  constructor(proxy: Proxy, asker: Asker, asked: ProxyRequest, client: string, answer: Answer) {
    this.#proxy = proxy;
    this.#asker = asker;
    this.#asked = asked;
    this.#client = client;
    this.#answer = answer;
  }

  decided(verdict: Verdict): void {
    const { decision, failure } = verdict;
    this.#proxy.counts.decided(decision, reasonOf(verdict));
    recordDecision(this.#proxy, this.#asker, this.#asked, verdict);
    if (failure !== undefined) {
      const refusal = RESOLVE_REFUSALS[failure.kind];
      this.#fail(refusal, failure.message, `cannot resolve ${this.#asked.host}`);
    } else if (decision.outcome === "allow") {
      this.#proxy.settings.dialer.dial(verdict.candidates, this);
    } else {
      this.#release();
      this.#answer.answered({ refusal: "denied", message: deniedMessage(decision), decision, facts: verdict.facts });
    }
  }

  opened(conn: Conn): void {
    this.upstream = conn;
    this.#proxy.counts.opened(conn);
    // Asked now: a closed socket no longer knows.
    if (this.#proxy.recorded) this.#dest = formatAddress(conn.remote);
    this.#answer.answered(this);
  }

  failed(error: DialError): void {
    // Where a redirect led is not the client's to know.
    this.#fail(DIAL_REFUSALS[error.kind], error.message, `cannot connect to ${targetOf(this.#asked)}`);
  }

  #fail(refusal: Refusal, error: string, message: string): void {
    this.close({ reason: refusal, sent: 0, received: 0, error });
    this.#answer.answered({ refusal, message });
  }

  close(ended: Ended): void {
    if (this.#over) return;
    this.#release();
    this.#proxy.counts.closed(this.upstream, ended.reason);
    recordClose(this.#proxy, this.#asker, this.#asked, this.#dest, this.#started, ended);
  }

  #release(): void {
    this.#over = true;
    this.#proxy.places.give(this.#client);
  }
}

/** The target as it was asked for. */
function targetOf({ host, port }: ProxyRequest): string {
  return formatHostPort(host, port);
}

function deniedMessage(decision: Decision): string {
  return decision.outcome === "challenge" && decision.challenge !== undefined
    ? decision.challenge
    : "the access policy does not allow this";
}

const RESOLVE_REFUSALS: Record<ResolveFailure, Refusal> = {
  not_found: "name_not_found",
  timeout: "resolver_timeout",
  failed: "resolver_failed",
};

const DIAL_REFUSALS: Record<DialFailure, Refusal> = {
  refused: "refused",
  host_unreachable: "host_unreachable",
  network_unreachable: "network_unreachable",
  timeout: "connect_timeout",
  exhausted: "limit",
  other: "failed",
};

/** A client that came to no decision. */
export function reject(proxy: Proxy, asker: Asker, reason: string, message: string): void {
  proxy.counts.rejected(reason);
  const client = formatAddress(clientAddress(asker));
  proxy.log.debug("rejected", { session: asker.session, client, reason, message });
  if (!proxy.recorded) return;
  const { peer } = asker.origin ?? {};
  const certificate = peer === undefined ? {} : { certificate: certificateRecord(peer) };
  proxy.record({ ...base(asker), event: "reject", reason, message, ...certificate });
}

function base(asker: Asker) {
  const { session, user } = asker;
  return {
    v: AUDIT_VERSION,
    time: new Date().toISOString(),
    command: "socks",
    session,
    client: formatAddress(clientAddress(asker)),
    ...(user === undefined ? {} : { user }),
  } as const;
}

function recordDecision(proxy: Proxy, asker: Asker, asked: ProxyRequest, verdict: Verdict): void {
  if (!proxy.recorded) return;
  const { decision, candidates, dropped } = verdict;
  const first = candidates[0];
  const event: DecisionEvent = {
    ...base(asker),
    event: "decision",
    protocol: asked.protocol,
    target: targetOf(asked),
    ...(first === undefined ? {} : { dest: formatHostPort(first.ip, first.port) }),
    decision: decision.outcome,
    policy: decision.policy ?? null,
    reason: reasonOf(verdict),
    ...(decision.guardClass === undefined ? {} : { guard: decision.guardClass }),
    ...(decision.missing === undefined ? {} : { missing: decision.missing }),
    ...(decision.logged === undefined || decision.logged.length === 0 ? {} : { logged: [...decision.logged] }),
    ...(verdict.redirected ? { redirected: formatHostPort(verdict.host, verdict.port) } : {}),
    ...(dropped.length === 0 ? {} : { dropped }),
    ...(asker.origin === undefined ? {} : originRecord(asker.origin)),
    policies: proxy.policy.digest,
    facts: auditFacts(verdict.facts, proxy.policy.mentions, digest),
  };
  proxy.record(event);
}

function reasonOf({ decision, failure }: Verdict): string {
  return failure === undefined ? decision.reason : "unresolved";
}

function originRecord({ tls, peer }: Origin): Pick<DecisionEvent, "certificate" | "tls"> {
  return {
    ...(peer === undefined ? {} : { certificate: certificateRecord(peer) }),
    ...(tls === undefined ? {} : { tls: tlsRecord(tls) }),
  };
}

function recordClose(
  proxy: Proxy,
  asker: Asker,
  asked: ProxyRequest,
  dest: string | undefined,
  started: number,
  { reason, sent, received, error }: Ended,
): void {
  if (!proxy.recorded) return;
  proxy.record({
    ...base(asker),
    event: "close",
    target: targetOf(asked),
    ...(dest === undefined ? {} : { dest }),
    sent,
    received,
    duration: Math.round(performance.now() - started),
    reason,
    ...(error === undefined ? {} : { error }),
  });
}

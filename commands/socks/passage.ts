/** One request's way out: place, facts, decision, connection, and the record of each. The protocol in front is not its business. */
import type { Facts } from "../../lib/acl/facts.ts";
import type { Decision } from "../../lib/acl/decision.ts";
import { auditFacts, AUDIT_VERSION, type DecisionEvent } from "../../lib/audit/event.ts";
import { formatAddress, type Conn } from "../../lib/net/conn.ts";
import { abandonedDials, dial, DialError, type DialFailure } from "../../lib/net/dial.ts";
import { decideEgress, type Verdict } from "../../lib/net/egress.ts";
import { formatHostPort } from "../../lib/net/endpoint.ts";
import type { ResolveFailure } from "../../lib/net/resolve.ts";
import type { Refusal } from "../../lib/session/front.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import { commonFacts } from "./facts.ts";
import { clientKey, digest, type Proxy } from "./proxy.ts";

/** Who asks. */
export interface Asker {
  conn: Conn;
  session: string;
  user: string | undefined;
}

/** What is asked, in the words of the protocol. `facts` are those that only the protocol knows. */
export interface Asked {
  protocol: "socks5" | "socks4" | "http";
  host: string;
  port: number;
  facts: Facts;
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
}

/** Decides and connects. Everything that comes of it is recorded here. */
export async function openPassage(proxy: Proxy, asker: Asker, asked: Asked): Promise<Passage | Refused> {
  const target = formatHostPort(asked.host, asked.port);
  const canonical = canonicalHost(asked.host);
  if (canonical.error !== undefined || asked.port === 0) {
    const why = canonical.error ?? "port 0 cannot be connected";
    reject(proxy, asker, "bad_target", `${target}: ${why}`);
    return { refusal: "bad_request", message: why };
  }
  const client = clientKey(proxy, asker.conn);
  if (proxy.draining) return { refusal: "draining", message: "the proxy is being stopped" };
  if (!proxy.places.take(client, abandonedDials())) {
    reject(proxy, asker, "limit", `no place for ${target}`);
    return { refusal: "limit", message: "too many connections" };
  }
  const started = performance.now();
  let taken = true;
  const facts = commonFacts(asker, asked, canonical, proxy.wants);
  const release = () => {
    if (taken) proxy.places.give(client);
    taken = false;
  };
  try {
    const decided = decideEgress(facts, proxy);
    const verdict = decided instanceof Promise ? await decided : decided;
    recordDecision(proxy, asker, asked.protocol, target, verdict);
    const record = (ended: Ended, dest?: string) => {
      if (!taken) return;
      release();
      recordClose(proxy, asker, target, dest, started, ended);
    };
    if (verdict.failure === undefined && verdict.decision.outcome !== "allow") {
      release();
      return { refusal: "denied", message: deniedMessage(verdict.decision) };
    }
    return await connect(proxy, verdict, record);
  } catch (error) {
    release();
    throw error;
  }
}

async function connect(
  proxy: Proxy,
  verdict: Verdict,
  record: (ended: Ended, dest?: string) => void,
): Promise<Passage | Refused> {
  const { failure, candidates } = verdict;
  const nothing = { sent: 0, received: 0 };
  const place = formatHostPort(verdict.host, verdict.port);
  if (failure !== undefined) {
    record({ reason: RESOLVE_REFUSALS[failure.kind], error: failure.message, ...nothing });
    return { refusal: RESOLVE_REFUSALS[failure.kind], message: `cannot resolve ${verdict.host}` };
  }
  try {
    const upstream = await dial(candidates, proxy.settings.dial);
    // Asked now: a closed socket no longer knows.
    const dest = proxy.recorded ? formatAddress(upstream.remote) : undefined;
    return { upstream, close: (ended) => record(ended, dest) };
  } catch (error) {
    if (!(error instanceof DialError)) throw error;
    record({ reason: DIAL_REFUSALS[error.kind], error: error.message, ...nothing });
    return { refusal: DIAL_REFUSALS[error.kind], message: `cannot connect to ${place}` };
  }
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
  proxy.log.debug(`rejected: ${message}`, { session: asker.session, client: formatAddress(asker.conn.remote), reason });
  if (!proxy.recorded) return;
  proxy.record({ ...base(asker), event: "reject", reason, message });
}

function base({ session, conn, user }: Asker) {
  return {
    v: AUDIT_VERSION,
    time: new Date().toISOString(),
    command: "socks",
    session,
    client: formatAddress(conn.remote),
    ...(user === undefined ? {} : { user }),
  } as const;
}

function recordDecision(proxy: Proxy, asker: Asker, protocol: string, target: string, verdict: Verdict): void {
  if (!proxy.recorded) return;
  const { decision, candidates, dropped } = verdict;
  const first = candidates[0];
  const event: DecisionEvent = {
    ...base(asker),
    event: "decision",
    protocol,
    target,
    ...(first === undefined ? {} : { dest: formatHostPort(first.ip, first.port) }),
    decision: decision.outcome,
    policy: decision.policy ?? null,
    reason: verdict.failure === undefined ? decision.reason : "unresolved",
    ...(decision.guardClass === undefined ? {} : { guard: decision.guardClass }),
    ...(decision.missing === undefined ? {} : { missing: decision.missing }),
    ...(decision.logged === undefined || decision.logged.length === 0 ? {} : { logged: [...decision.logged] }),
    ...(verdict.redirected ? { redirected: formatHostPort(verdict.host, verdict.port) } : {}),
    ...(dropped.length === 0 ? {} : { dropped }),
    policies: proxy.policy.digest,
    facts: auditFacts(verdict.facts, proxy.policy.mentions, digest),
  };
  proxy.record(event);
}

function recordClose(
  proxy: Proxy,
  asker: Asker,
  target: string,
  dest: string | undefined,
  started: number,
  { reason, sent, received, error }: Ended,
): void {
  if (!proxy.recorded) return;
  proxy.record({
    ...base(asker),
    event: "close",
    target,
    ...(dest === undefined ? {} : { dest }),
    sent,
    received,
    duration: Math.round(performance.now() - started),
    reason,
    ...(error === undefined ? {} : { error }),
  });
}

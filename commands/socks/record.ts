/** What the access proxy records: decisions, ends, and clients that came to neither. Decides nothing. */
import type { Policy } from "../../lib/acl/policy.ts";
import { auditFacts, AUDIT_VERSION, type CloseEvent, type DecisionEvent } from "../../lib/audit/event.ts";
import { certificateRecord, tlsRecord } from "../../lib/audit/peer-record.ts";
import { formatAddress } from "../../lib/net/conn.ts";
import type { Verdict } from "../../lib/net/egress.ts";
import { formatHostPort } from "../../lib/net/endpoint.ts";
import type { ProxyRequest } from "../../lib/session/front.ts";
import { clientAddress, type Origin } from "./origin.ts";
import type { Asker, Ended } from "./passage.ts";
import { digest, type Proxy } from "./proxy.ts";

/** The target as it was asked for. */
export function targetOf({ host, port }: ProxyRequest): string {
  return formatHostPort(host, port);
}

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

/** What every record about a client begins with. */
export function base(asker: Asker) {
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

export function recordDecision(
  proxy: Proxy,
  asker: Asker,
  asked: ProxyRequest,
  policy: Policy,
  verdict: Verdict,
): void {
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
    ...(verdict.routes.length === 0 ? {} : { route: [...verdict.routes] }),
    reason: reasonOf(verdict),
    ...(decision.guardClass === undefined ? {} : { guard: decision.guardClass }),
    ...(decision.missing === undefined ? {} : { missing: decision.missing }),
    ...(decision.logged === undefined || decision.logged.length === 0 ? {} : { logged: [...decision.logged] }),
    ...(verdict.redirected ? { redirected: formatHostPort(verdict.host, verdict.port) } : {}),
    ...(dropped.length === 0 ? {} : { dropped }),
    ...(asker.origin === undefined ? {} : originRecord(asker.origin)),
    policies: policy.digest,
    facts: auditFacts(verdict.facts, policy.mentions, digest),
  };
  proxy.record(event);
}

/** Why it was decided so, in one word. */
export function reasonOf({ decision, failure }: Verdict): string {
  return failure === undefined ? decision.reason : "unresolved";
}

function originRecord({ tls, peer }: Origin): Pick<DecisionEvent, "certificate" | "tls"> {
  return {
    ...(peer === undefined ? {} : { certificate: certificateRecord(peer) }),
    ...(tls === undefined ? {} : { tls: tlsRecord(tls) }),
  };
}

export function recordClose(
  proxy: Proxy,
  asker: Asker,
  asked: ProxyRequest,
  started: number,
  { reason, sent, received, error, ...ways }: Ended & Pick<CloseEvent, "dest" | "backend" | "tried">,
): void {
  if (!proxy.recorded) return;
  proxy.record({
    ...base(asker),
    event: "close",
    target: targetOf(asked),
    ...ways,
    sent,
    received,
    duration: Math.round(performance.now() - started),
    reason,
    ...(error === undefined ? {} : { error }),
  });
}

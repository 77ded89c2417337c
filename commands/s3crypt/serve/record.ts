/** What the proxy records: each request for the storage when it is over, and clients that came to none. Decides nothing. */
import type { Decision } from "../../../lib/acl/decision.ts";
import type { Facts } from "../../../lib/acl/facts.ts";
import type { Policy } from "../../../lib/acl/policy.ts";
import { auditFacts, AUDIT_VERSION, type ObjectEvent } from "../../../lib/audit/event.ts";
import { certificateRecord, tlsRecord } from "../../../lib/audit/peer-record.ts";
import type { Client } from "./client.ts";
import type { Subject } from "./dialect.ts";
import { Gone, type Exchange } from "./exchange.ts";

/** What the policy said; undefined where there is none. */
export interface Decided {
  readonly policy: Policy;
  readonly decision: Decision;
  readonly facts: Facts;
}

/** A client that came to no request. */
export function reject(client: Client, reason: string, message: string): void {
  const { gateway, peer } = client;
  gateway.counts.rejected++;
  gateway.tools.log.debug("rejected", { session: client.session, client: client.name, reason, message });
  const certificate = peer === undefined ? {} : { certificate: certificateRecord(peer) };
  gateway.tools.record?.({ ...base(client), event: "reject", reason, message, ...certificate });
}

/** The end of an exchange; `ended` is what it ended with, where that was no orderly end. */
export function recordExchange(x: Exchange, decided: Decided | undefined, started: number, ended: unknown): void {
  const { gateway, client, told, action, asked } = x;
  const outcome = outcomeOf(x, decided, ended);
  gateway.counts.exchanged(action.operation, outcome);
  if (!told.byKey) gateway.counts.decisions.decided(decided?.decision);
  if (told.trouble !== undefined) gateway.counts.troubled(told.trouble.code);
  const { record, log } = gateway.tools;
  const { trouble, keyId } = told;
  const error = trouble?.message ?? (ended instanceof Gone ? ended.message : undefined);
  const said = { session: client.session, operation: action.operation, path: asked.path, code: trouble?.code, error };
  if (outcome === "failed") log.warn("a request failed", said);
  else log.debug("a request ended", { ...said, outcome });
  if (record === undefined) return;
  const decision = told.byKey ? undefined : decided?.decision;
  const { bucket, key } = action;
  const event: ObjectEvent = {
    ...base(client),
    event: "object",
    method: asked.method,
    operation: action.operation,
    ...(bucket === undefined ? {} : { bucket }),
    ...(key === undefined ? {} : { key }),
    path: asked.path,
    decision: outcome === "denied" || outcome === "refused" ? "deny" : "allow",
    policy: decision?.policy ?? null,
    reason:
      decision?.reason ?? (outcome === "refused" ? (trouble?.code ?? "refused") : told.byKey ? "by_key" : "no_policy"),
    ...decisionRecord(decision),
    outcome,
    ...(told.status === undefined ? {} : { status: told.status }),
    ...(told.format === undefined ? {} : { format: told.format }),
    ...(keyId === undefined ? {} : { keyId: String(keyId) }),
    ...(told.writeOnce === undefined ? {} : { writeOnce: told.writeOnce }),
    ...(told.end === undefined ? {} : { end: told.end }),
    sent: told.sent,
    received: told.received,
    duration: Math.round(performance.now() - started),
    ...(trouble === undefined ? {} : { code: trouble.code }),
    ...(error === undefined ? {} : { error }),
    ...peerRecord(client),
    ...(decided === undefined ? { facts: {} } : policyRecord(decided)),
  };
  record(event);
}

/** A key that the policy does not let a request for many have; `decided` is about it alone. */
export function recordDenied(x: Exchange, about: Subject & { path: string }, decided: Decided): void {
  const { client, gateway, asked } = x;
  const { operation, bucket, key, path } = about;
  gateway.counts.troubled("denied");
  gateway.counts.decisions.decided(decided.decision);
  gateway.tools.record?.({
    ...base(client),
    event: "object",
    method: asked.method,
    operation,
    ...(bucket === undefined ? {} : { bucket }),
    ...(key === undefined ? {} : { key }),
    path,
    decision: "deny",
    policy: decided.decision.policy ?? null,
    reason: decided.decision.reason,
    ...decisionRecord(decided.decision),
    outcome: "denied",
    sent: 0,
    received: 0,
    duration: 0,
    code: "denied",
    ...peerRecord(client),
    ...policyRecord(decided),
  });
}

function decisionRecord(decision: Decision | undefined): Pick<ObjectEvent, "missing" | "logged"> {
  const { missing, logged = [] } = decision ?? {};
  return { ...(missing === undefined ? {} : { missing }), ...(logged.length === 0 ? {} : { logged: [...logged] }) };
}

function peerRecord({ peer, conn }: Client): Pick<ObjectEvent, "certificate" | "tls"> {
  return {
    ...(peer === undefined ? {} : { certificate: certificateRecord(peer) }),
    ...(conn.tls === undefined ? {} : { tls: tlsRecord(conn.tls) }),
  };
}

function policyRecord({ policy, facts }: Decided): Pick<ObjectEvent, "policies" | "facts"> {
  return { policies: policy.digest, facts: auditFacts(facts, policy.mentions, digest) };
}

function outcomeOf({ told, client }: Exchange, decided: Decided | undefined, ended: unknown): ObjectEvent["outcome"] {
  if (client.wasCut) return "cut";
  if (ended instanceof Gone) return "client";
  if (told.trouble === undefined) return "done";
  if (decided !== undefined && decided.decision.outcome !== "allow" && !told.byKey) return "denied";
  return told.trouble.status >= 500 && told.trouble.code !== "unsupported" ? "failed" : "refused";
}

function base({ session, name }: Client) {
  return { v: AUDIT_VERSION, time: new Date().toISOString(), command: "s3crypt", session, client: name } as const;
}

/** Stands for a secret in a record: enough to see that two are the same. */
function digest(value: string): string {
  return new Bun.CryptoHasher("sha256").update(value).digest("hex").slice(0, 16);
}

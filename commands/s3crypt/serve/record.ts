/** What the proxy records: each request for the storage when it is over, and clients that came to none. Decides nothing. */
import type { Decision } from "../../../lib/acl/decision.ts";
import type { Facts } from "../../../lib/acl/facts.ts";
import type { Policy } from "../../../lib/acl/policy.ts";
import { auditFacts, AUDIT_VERSION, type ObjectEvent } from "../../../lib/audit/event.ts";
import { certificateRecord, tlsRecord } from "../../../lib/audit/peer-record.ts";
import type { Client } from "./client.ts";
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
  if (told.trouble !== undefined) gateway.counts.troubled(told.trouble.code);
  const { record, log } = gateway.tools;
  const { trouble, keyId } = told;
  const error = trouble?.message ?? (ended instanceof Gone ? ended.message : undefined);
  const said = { session: client.session, operation: action.operation, path: asked.path, code: trouble?.code, error };
  if (outcome === "failed") log.warn("a request failed", said);
  else log.debug("a request ended", { ...said, outcome });
  if (record === undefined) return;
  const decision = decided?.decision;
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
    reason: decision?.reason ?? (outcome === "refused" ? (trouble?.code ?? "refused") : "no_policy"),
    ...(decision?.missing === undefined ? {} : { missing: decision.missing }),
    ...(decision?.logged === undefined || decision.logged.length === 0 ? {} : { logged: [...decision.logged] }),
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
    ...(client.peer === undefined ? {} : { certificate: certificateRecord(client.peer) }),
    ...(client.conn.tls === undefined ? {} : { tls: tlsRecord(client.conn.tls) }),
    ...(decided === undefined ? {} : { policies: decided.policy.digest }),
    facts: decided === undefined ? {} : auditFacts(decided.facts, decided.policy.mentions, digest),
  };
  record(event);
}

function outcomeOf({ told, client }: Exchange, decided: Decided | undefined, ended: unknown): ObjectEvent["outcome"] {
  if (client.wasCut) return "cut";
  if (ended instanceof Gone) return "client";
  if (told.trouble === undefined) return "done";
  if (decided !== undefined && decided.decision.outcome !== "allow") return "denied";
  return told.trouble.status >= 500 && told.trouble.code !== "unsupported" ? "failed" : "refused";
}

function base({ session, name }: Client) {
  return { v: AUDIT_VERSION, time: new Date().toISOString(), command: "s3crypt", session, client: name } as const;
}

/** Stands for a secret in a record: enough to see that two are the same. */
function digest(value: string): string {
  return new Bun.CryptoHasher("sha256").update(value).digest("hex").slice(0, 16);
}

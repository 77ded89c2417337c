/** What a session leaves behind: lines of the log, counts, and one line of the audit. Decides nothing. */
import { auditFacts, AUDIT_VERSION, type HelloRecord, type SessionEvent } from "../../lib/audit/event.ts";
import { certificateRecord, tlsRecord } from "../../lib/audit/peer-record.ts";
import { formatAddress, type Conn } from "../../lib/net/conn.ts";
import type { RelayResult } from "../../lib/net/relay.ts";
import type { ClientHello } from "../../lib/wire/client-hello.ts";
import type { Mux } from "./mux.ts";
import type { Refusal } from "./refusal.ts";
import type { Back } from "./back.ts";
import type { Front } from "./front.ts";
import type { Route } from "./route.ts";
import type { Progress } from "./session.ts";

/** What a record takes of a connection. */
export interface Recordable extends Pick<Progress, "session" | "started" | "client" | "target" | "authorised"> {
  hello: Pick<ClientHello, "serverName" | "protocolIds"> | undefined;
  arrival: { route: Route } | undefined;
  front: { conn: Pick<Conn, "received" | "tls">; peer: Front["peer"] } | undefined;
  back: ({ conn: Pick<Conn, "received"> } & Pick<Back, "text" | "address">) | undefined;
}

/** Both sides are connected. */
export function recordOpened({ log, metrics }: Mux, progress: Recordable): void {
  metrics.decisions.decided(progress.authorised?.decision);
  log.info(() => `opened ${wayText(progress)}`, { session: progress.session });
}

/** Both sides are closed again. */
export function recordClosed(mux: Mux, progress: Recordable, result: RelayResult): void {
  const { front, back, session, arrival } = progress;
  const sent = front?.conn.received ?? 0;
  const received = back?.conn.received ?? 0;
  const counts = arrival?.route.counts;
  if (counts !== undefined) {
    counts.sent += sent;
    counts.received += received;
  }
  const bytes = () => `${sent} bytes sent, ${received} received, ${elapsed(progress)} ms`;
  mux.log.info(() => `closed ${wayText(progress)}: ${bytes()}`, { session, by: result.by });
  const error = result.error === undefined ? {} : { error: result.error.message };
  record(mux, progress, { decision: "allow", reason: result.by, sent, received, ...error });
}

/** A connection that was not let through. */
export function recordRefused(mux: Mux, progress: Recordable, refusal: Refusal): void {
  const { session, client, arrival } = progress;
  const { reason, message, peer, phase, decision } = refusal;
  mux.metrics.refused.with(reason).value++;
  mux.metrics.decisions.decided(decision ?? progress.authorised?.decision);
  if (arrival !== undefined) arrival.route.counts.refused++;
  const route = arrival === undefined ? {} : { route: arrival.route.name };
  mux.log.warn(() => `refused ${formatAddress(client)}: ${message}`, { reason, session, ...route });
  record(mux, progress, {
    decision: "deny",
    reason,
    error: message,
    sent: 0,
    received: 0,
    ...(decision === undefined ? {} : { policy: decision.policy ?? null }),
    ...(decision?.missing === undefined ? {} : { missing: decision.missing }),
    ...(peer === undefined ? {} : { [phase === "dial" ? "upstream" : "certificate"]: certificateRecord(peer) }),
  });
}

type Ending = Pick<SessionEvent, "decision" | "reason" | "sent" | "received" | "error"> &
  Partial<Pick<SessionEvent, "certificate" | "upstream" | "policy" | "missing">>;

function record(mux: Mux, progress: Recordable, ending: Ending): void {
  if (mux.sink === undefined) return;
  const { session, client, arrival, front, back, hello, target, authorised } = progress;
  const policy = arrival?.route.files.policy;
  const logged = authorised?.decision?.logged;
  const tls = front?.conn.tls;
  mux.sink.write({
    v: AUDIT_VERSION,
    time: new Date().toISOString(),
    event: "session",
    session,
    command: "mux",
    ...(arrival === undefined ? {} : { route: arrival.route.name }),
    ...(hello === undefined ? {} : { hello: helloRecord(hello) }),
    client: formatAddress(client),
    target: back?.text ?? target,
    ...(back === undefined ? {} : { dest: formatAddress(back.address) }),
    policy: authorised?.decision?.policy ?? null,
    ...(logged === undefined || logged.length === 0 ? {} : { logged: [...logged] }),
    ...(front?.peer === undefined ? {} : { certificate: certificateRecord(front.peer) }),
    ...(tls === undefined ? {} : { tls: tlsRecord(tls) }),
    ...ending,
    duration: elapsed(progress),
    ...(policy === undefined ? {} : { policies: policy.digest }),
    facts: authorised === undefined ? {} : auditFacts(authorised.facts, policy?.mentions ?? [], digest),
  });
}

function helloRecord({ serverName, protocolIds }: Pick<ClientHello, "serverName" | "protocolIds">): HelloRecord {
  return { ...(serverName === undefined ? {} : { serverName }), ...(protocolIds === undefined ? {} : { protocolIds }) };
}

function elapsed({ started }: Recordable): number {
  return Math.round(performance.now() - started);
}

function wayText({ client, arrival, back }: Recordable): string {
  return `${formatAddress(client)} by ${arrival?.route.name ?? ""} to ${back?.text ?? ""}`;
}

function digest(value: string): string {
  return new Bun.CryptoHasher("sha256").update(value).digest("hex").slice(0, 16);
}

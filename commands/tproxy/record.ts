/** What a session leaves behind: lines of the log, counts, and one line of the audit. Decides nothing. */
import { AUDIT_VERSION, type ProgramRecord, type SessionEvent } from "../../lib/audit/event.ts";
import { certificateRecord, tlsRecord } from "../../lib/audit/peer-record.ts";
import { userName } from "../../lib/ffi/user.ts";
import { formatAddress, type Conn } from "../../lib/net/conn.ts";
import type { RelayResult } from "../../lib/net/relay.ts";
import type { Refusal } from "./refusal.ts";
import type { Client } from "./rule.ts";
import type { Arrival } from "./arrival.ts";
import type { Back } from "./back.ts";
import type { Progress } from "./session.ts";
import type { Tproxy } from "./tproxy.ts";

/** What a record takes of a connection. */
export interface Recordable extends Omit<Progress, "arrival" | "back"> {
  arrival: (Pick<Arrival, "route" | "host" | "target"> & { conn: Pick<Conn, "received"> }) | undefined;
  back: (Omit<Back, "conn"> & { conn: Pick<Conn, "received" | "tls"> }) | undefined;
}

/** Both sides are connected. */
export function recordOpened({ log }: Tproxy, progress: Recordable): void {
  log.info(`opened ${wayText(progress)}`, { session: progress.session });
}

/** Both sides are closed again. */
export function recordClosed(tproxy: Tproxy, progress: Recordable, result: RelayResult): void {
  const { arrival, back, session } = progress;
  const sent = arrival?.conn.received ?? 0;
  const received = back?.conn.received ?? 0;
  if (arrival !== undefined) {
    arrival.route.counts.sent += sent;
    arrival.route.counts.received += received;
  }
  const bytes = `${sent} bytes sent, ${received} received, ${elapsed(progress)} ms`;
  tproxy.log.info(`closed ${wayText(progress)}: ${bytes}`, { session, by: result.by });
  const error = result.error === undefined ? {} : { error: result.error.message };
  record(tproxy, progress, { decision: "allow", reason: result.by, sent, received, ...error });
}

/** A connection that was not let through. */
export function recordRefused(tproxy: Tproxy, progress: Recordable, refusal: Refusal): void {
  const { session, arrival } = progress;
  const { reason, message, peer, decision } = refusal;
  tproxy.metrics.refused.with(reason).value++;
  if (arrival !== undefined) arrival.route.counts.refused++;
  const rule = arrival === undefined ? {} : { rule: arrival.route.name };
  tproxy.log.warn(`refused ${wayText(progress)}: ${message}`, { reason, session, ...rule });
  record(tproxy, progress, {
    decision: "deny",
    reason,
    error: message,
    sent: 0,
    received: 0,
    ...(decision?.missing === undefined ? {} : { missing: decision.missing }),
    ...(peer === undefined ? {} : { upstream: certificateRecord(peer) }),
  });
}

type Ending = Pick<SessionEvent, "decision" | "reason" | "sent" | "received" | "error" | "missing" | "upstream">;

function record(tproxy: Tproxy, progress: Recordable, ending: Ending): void {
  if (tproxy.sink === undefined) return;
  const { session, remote, destination, client, arrival, back, decision, facts } = progress;
  const policy = arrival?.route.files.policy;
  const tls = back?.conn.tls;
  tproxy.sink.write({
    v: AUDIT_VERSION,
    time: new Date().toISOString(),
    event: "session",
    session,
    command: "tproxy",
    ...(arrival === undefined ? {} : { rule: arrival.route.name }),
    ...(destination === undefined ? {} : { original: formatAddress(destination) }),
    ...(client === undefined ? {} : { program: programRecord(client) }),
    client: formatAddress(remote),
    target: arrival === undefined ? "" : `${arrival.host}:${arrival.target.port}`,
    ...(back === undefined ? {} : { dest: formatAddress(back.address) }),
    policy: decision?.policy ?? null,
    ...(decision?.logged === undefined || decision.logged.length === 0 ? {} : { logged: [...decision.logged] }),
    ...(back?.peer === undefined ? {} : { upstream: certificateRecord(back.peer) }),
    ...(tls === undefined ? {} : { tls: tlsRecord(tls) }),
    ...ending,
    duration: elapsed(progress),
    ...(policy === undefined ? {} : { policies: policy.digest }),
    facts,
  });
}

/** Names of users, which the system may have to ask a directory for. */
const users = new Map<number, string | undefined>();
const MOST_USERS = 1024;

function programRecord({ uid, process }: Client): ProgramRecord {
  if (!users.has(uid)) {
    if (users.size >= MOST_USERS) users.clear();
    users.set(uid, userName(uid));
  }
  const user = users.get(uid);
  const { pid, gid, executable, cgroup } = process ?? {};
  return {
    uid,
    ...(user === undefined ? {} : { user }),
    ...(gid === undefined ? {} : { gid }),
    ...(pid === undefined ? {} : { pid }),
    ...(executable === undefined ? {} : { executable }),
    ...(cgroup === undefined ? {} : { cgroup }),
  };
}

function elapsed({ started }: Recordable): number {
  return Math.round(performance.now() - started);
}

function wayText({ remote, destination, arrival }: Recordable): string {
  const to = arrival === undefined ? "" : ` (${arrival.host})`;
  return `${formatAddress(remote)} to ${destination === undefined ? "us" : formatAddress(destination)}${to}`;
}

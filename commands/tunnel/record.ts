/** What a session leaves behind: lines of the log in ghostunnel's words, and one line of the audit. Decides nothing. */
import { AUDIT_VERSION, type SessionEvent } from "../../lib/audit/event.ts";
import { certificateRecord, tlsRecord } from "../../lib/audit/peer-record.ts";
import { formatAddress, type SocketAddress, type TlsInfo } from "../../lib/net/conn.ts";
import type { RelayResult } from "../../lib/net/relay.ts";
import type { Refusal } from "./refusal.ts";
import type { Progress } from "./session.ts";
import type { Tunnel } from "./tunnel.ts";

/** Both sides are connected. */
export function recordOpened(tunnel: Tunnel, progress: Progress): void {
  if (tunnel.quiet.conns) return;
  tunnel.log.info(`opening pipe: ${pipeText(progress)}`, { session: progress.session });
}

/** Both sides are closed again. */
export function recordClosed(tunnel: Tunnel, progress: Progress, result: RelayResult): void {
  const { front, back, session } = progress;
  const sent = front?.conn.received ?? 0;
  const received = back?.conn.received ?? 0;
  const duration = elapsed(progress);
  if (result.error !== undefined && !isOrderly(result.error) && !tunnel.quiet.connErrors)
    tunnel.log.warn(`error during copy: ${result.error.message}`, { session });
  if (!tunnel.quiet.conns) {
    const counts = `forwarded ${sent}, returned ${received}, open ${duration}ms`;
    tunnel.log.info(`closed pipe: ${pipeText(progress)} [${counts}]`, { session, by: result.by });
  }
  const error = result.error === undefined ? {} : { error: result.error.message };
  record(tunnel, progress, { decision: "allow", reason: result.by, sent, received, ...error });
}

/** A connection that was not let through. */
export function recordRefused(tunnel: Tunnel, progress: Progress, refusal: Refusal): void {
  const { session, client } = progress;
  if (refusal.phase === "handshake") {
    if (refusal.late) tunnel.counts.late++;
    else tunnel.counts.failed++;
    if (!tunnel.quiet.handshakeErrors)
      tunnel.log.warn(
        `error on TLS handshake from ${addressText(client)}: ${refusal.message}`,
        fieldsOf(refusal, session),
      );
  } else if (!tunnel.quiet.connErrors) {
    tunnel.log.warn(`error on dial: ${refusal.message}`, {
      ...fieldsOf(refusal, session),
      client: addressText(client),
    });
  }
  const { reason, message: error, peer, phase } = refusal;
  record(tunnel, progress, {
    decision: "deny",
    reason,
    error,
    sent: 0,
    received: 0,
    ...(peer === undefined ? {} : { [phase === "handshake" ? "certificate" : "upstream"]: certificateRecord(peer) }),
  });
}

function fieldsOf({ reason }: Refusal, session: string) {
  return { reason, session };
}

type Ending = Pick<SessionEvent, "decision" | "reason" | "sent" | "received" | "error" | "certificate" | "upstream">;

function record(tunnel: Tunnel, progress: Progress, ending: Ending): void {
  if (tunnel.sink === undefined) return;
  const { session, client, front, back, decision, facts } = progress;
  const tls = (front?.conn.tls ?? back?.conn.tls) as TlsInfo | undefined;
  tunnel.sink.write({
    v: AUDIT_VERSION,
    time: new Date().toISOString(),
    event: "session",
    session,
    command: "tunnel",
    ...(tunnel.settings.name === undefined ? {} : { tunnel: tunnel.settings.name }),
    client: formatAddress(client),
    target: back?.target.text ?? tunnel.targets.all[0]?.text ?? "",
    ...(back === undefined ? {} : { dest: formatAddress(back.address) }),
    policy: decision?.policy ?? null,
    ...ending,
    ...(decision?.missing === undefined ? {} : { missing: decision.missing }),
    ...(decision?.logged === undefined || decision.logged.length === 0 ? {} : { logged: [...decision.logged] }),
    ...(front?.peer === undefined ? {} : { certificate: certificateRecord(front.peer) }),
    ...(back?.peer === undefined ? {} : { upstream: certificateRecord(back.peer) }),
    ...(tls === undefined ? {} : { tls: tlsRecord(tls) }),
    duration: elapsed(progress),
    ...(tunnel.policy === undefined ? {} : { policies: tunnel.policy.digest }),
    facts,
  });
}

function elapsed({ started }: Progress): number {
  return Math.round(performance.now() - started);
}

/** A reset or a closed pipe is how many programs end: nothing is wrong. */
function isOrderly(error: Error): boolean {
  const { code } = error as { code?: string };
  return code === "ECONNRESET" || code === "EPIPE";
}

function pipeText({ client, front, back }: Progress): string {
  const peer = front?.peer ?? back?.peer;
  const who = peer?.cn === undefined ? "" : ` [CN=${JSON.stringify(peer.cn).slice(1, -1)}]`;
  return `${addressText(client)}${who} <-> ${back?.target.endpoint.kind === "unix" ? back.target.text : `tcp:${back?.target.text ?? ""}`}`;
}

function addressText(address: SocketAddress): string {
  return "ip" in address ? `tcp:${formatAddress(address)}` : formatAddress(address);
}

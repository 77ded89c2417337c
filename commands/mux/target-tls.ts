/** TLS with a target, where a route begins it anew: asked for as the route says, and held to who the target should be. */
import type { Conn } from "../../lib/net/conn.ts";
import type { Deadlines } from "../../lib/net/deadlines.ts";
import type { KeepAlive } from "../../lib/net/keep-alive.ts";
import { secureHost } from "../../lib/net/secure-host.ts";
import { requestStartTls } from "../../lib/net/starttls.ts";
import type { SessionCache } from "../../lib/net/tls-conn.ts";
import { parseIp } from "../../lib/wire/ip.ts";
import { Refusal } from "./refusal.ts";
import type { Route } from "./route.ts";

interface TargetTlsOptions {
  /** Canonical; undefined of a UNIX socket. */
  host: string | undefined;
  /** What was agreed upon with the client. */
  protocolId: string | undefined;
  /** Undefined where sessions are not to be resumed. */
  sessions: SessionCache | undefined;
  deadlines: Deadlines;
  keepAlive: KeepAlive;
}

const NOTHING = { bytes: new Uint8Array(0), ended: false };

/** `dialled` is closed where it comes to nothing. A route without TLS to its targets leaves it as it is. */
export async function beginTls(
  dialled: Conn,
  { settings: { targetTls }, files }: Route,
  { host, protocolId, sessions, deadlines, keepAlive }: TargetTlsOptions,
): Promise<Conn | Refusal> {
  if (targetTls === undefined) return dialled;
  if (targetTls.postgres) {
    const refusal = await askForTls(dialled, deadlines);
    if (refusal !== undefined) {
      dialled.destroy();
      return refusal;
    }
  }
  const { context, trust } = files.back!;
  const name = targetTls.serverName ?? host ?? "localhost";
  const secured = await secureHost(
    dialled,
    name,
    {
      context,
      requestCert: true,
      verify: true,
      protocolIds: targetTls.protocolIds ?? (protocolId === undefined ? [] : [protocolId]),
      serverName: parseIp(name) === undefined ? name : undefined,
      sessions,
      deadlines,
      keepAlive,
    },
    trust,
  );
  return "reason" in secured ? new Refusal("dial", secured.reason, secured.message, { peer: secured.peer }) : secured;
}

/** As PostgreSQL is asked. */
async function askForTls(dialled: Conn, deadlines: Deadlines): Promise<Refusal | undefined> {
  const started = await requestStartTls(dialled, NOTHING, deadlines);
  if (!started.ok) return new Refusal("dial", started.code, started.reason);
  if (started.early.bytes.length === 0 && !started.early.ended) return undefined;
  return new Refusal("dial", "postgres_pipelined", "the target said more than its answer before TLS");
}

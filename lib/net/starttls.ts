/** The way into TLS that a protocol has of its own (STARTTLS), on a `Conn`. The dialogue is lib/session; TLS is not done here. */
import { PostgresPlain } from "../session/postgres-plain.ts";
import { PostgresClient, PostgresServer, type PostgresFault } from "../session/postgres-starttls.ts";
import type { Conn, Early } from "./conn.ts";
import type { Deadlines } from "./deadlines.ts";
import { endWith } from "./linger.ts";
import { runPreface } from "./preface.ts";

export type StartTlsProtocol = "postgres";

type TlsStarted =
  | {
      ok: true;
      /** What came ahead of the TLS layer, and belongs to it. */
      early: Early;
      /** The id (ALPN) that must be negotiated, since the client did not ask in the protocol's own way. */
      mustNegotiate?: string;
    }
  | { ok: false; code: PostgresFault | "starttls_timeout" | "handshake_closed"; reason: string };

/**
 * Waits until the client has asked for TLS; `early` was read of it already. Whoever wants to go on in the clear is told
 * why that is refused, in the protocol's words; the connection is closed then.
 */
export async function awaitStartTls(conn: Conn, early: Early, deadlines: Deadlines): Promise<TlsStarted> {
  const outcome = await runPreface(conn, new PostgresServer(), deadlines, early);
  if (!outcome.ok) {
    const { bytes } = outcome;
    if (bytes !== undefined && !conn.closed) await new Promise<void>((gone) => endWith(conn, bytes, gone));
    conn.destroy();
    return failed(outcome.code, outcome.reason);
  }
  return { ok: true, early: outcome.early, ...(outcome.value.direct && { mustNegotiate: "postgresql" }) };
}

/** Waits until the client begins its session in the clear, which is what came early; one that asks for encryption is told that there is none. */
export async function awaitPlainPostgres(conn: Conn, deadlines: Deadlines): Promise<TlsStarted> {
  const outcome = await runPreface(conn, new PostgresPlain(), deadlines);
  return outcome.ok ? { ok: true, early: outcome.early } : failed(outcome.code, outcome.reason);
}

/** Asks the server for TLS. One that refuses, or says more than it was asked, fails; the connection is closed then. */
export async function requestStartTls(conn: Conn, early: Early, deadlines: Deadlines): Promise<TlsStarted> {
  const outcome = await runPreface(conn, new PostgresClient(), deadlines, early);
  if (outcome.ok) return { ok: true, early: outcome.early };
  conn.destroy();
  return failed(outcome.code, outcome.reason);
}

function failed(code: PostgresFault | "timeout" | "closed", reason: string): TlsStarted {
  const known = code === "timeout" ? "starttls_timeout" : code === "closed" ? "handshake_closed" : code;
  return { ok: false, code: known, reason };
}

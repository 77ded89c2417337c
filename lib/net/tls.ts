/** TLS over a `Conn`, as server or client: a handshake under a deadline, then a `Conn` again. Judges no names and no rules. */
import { BaseConn } from "./base-conn.ts";
import { openBridge } from "./bridge.ts";
import { IGNORE, type Conn, type Early } from "./conn.ts";
import { NativeConn } from "./native-conn.ts";
import { HandshakeQueue } from "./handshake-queue.ts";
import { secureByOpenssl } from "./openssl-conn.ts";
import { OpensslTls } from "./openssl-tls.ts";
import { handshake, type HandshakeOptions } from "./tls-conn.ts";
import { TlsFailure } from "./tls-failure.ts";

/** One for the process: its handshakes share one event loop. */
const queue = new HandshakeQueue();

/**
 * Puts TLS over `conn`; `early` is what was read of it already. Resolves to the secured connection, which replaces
 * `conn`, or to why there is none; then `conn` is closed. A client's success is not final: with TLS 1.3 the server may
 * still refuse the certificate, which shows as an error at the first read. Where `conn` is no plain socket, every byte
 * costs a copy more (bridge.ts).
 */
export async function secure(
  conn: Conn,
  early: Early,
  isServer: boolean,
  options: HandshakeOptions,
): Promise<Conn | TlsFailure> {
  const turn = queue.turn();
  if (turn !== undefined) {
    // Unread until then: what comes is for the layer.
    conn.pause();
    await turn;
    conn.resume();
  }
  const held = early.ended || !(conn instanceof BaseConn) ? early : withHeld(conn, early);
  if (conn.closed || held.ended) {
    conn.destroy();
    return new TlsFailure("handshake_closed", "the peer closed the connection before the handshake");
  }
  const { context } = options;
  if (context instanceof OpensslTls) return secureByOpenssl(conn, held, isServer, context, options);
  if (conn instanceof NativeConn && conn.tls === undefined)
    return new Promise((resolve) =>
      handshake(conn, held.bytes, isServer, options, { secured: resolve, failed: resolve }),
    );
  const bridge = await openBridge(conn, held, options.keepAlive);
  if (bridge !== undefined)
    return new Promise((resolve) =>
      handshake(bridge.conn, NOTHING, isServer, options, { secured: resolve, failed: resolve }, bridge),
    );
  conn.destroy();
  return new TlsFailure("tls_unavailable", "the system has no pair of sockets to give");
}

const NOTHING = new Uint8Array(0);

/** `early`, and what came since and no receiver has got. */
function withHeld(conn: BaseConn, early: Early): Early {
  if (!conn.holding) return early;
  const chunks = [early.bytes];
  let ended = false;
  conn.attach({ ...IGNORE, data: (chunk) => void chunks.push(chunk), end: () => (ended = true) });
  return { bytes: Buffer.concat(chunks), ended };
}

/** TLS over a `Conn`, as server or client: a handshake under a deadline, then a `Conn` again. Judges no names and no rules. */
import type { Conn, Early } from "./conn.ts";
import { NativeConn } from "./native-conn.ts";
import { handshake, type HandshakeOptions } from "./tls-conn.ts";
import { TlsFailure } from "./tls-failure.ts";
import { handshakeStream } from "./tls-stream.ts";

/**
 * Puts TLS over `conn`; `early` is what was read of it already. Resolves to the secured connection, which replaces
 * `conn`, or to why there is none; then `conn` is closed. A client's success is not final: with TLS 1.3 the server may
 * still refuse the certificate, which shows as an error at the first read.
 */
export function secure(
  conn: Conn,
  early: Early,
  isServer: boolean,
  options: HandshakeOptions,
): Promise<Conn | TlsFailure> {
  if (conn.closed || early.ended) {
    conn.destroy();
    return Promise.resolve(new TlsFailure("handshake_closed", "the peer closed the connection before the handshake"));
  }
  return new Promise((resolve) => {
    const told = { secured: resolve, failed: resolve };
    if (early.bytes.length === 0 && conn instanceof NativeConn && conn.tls === undefined && !conn.holding)
      handshake(conn, isServer, options, told);
    else handshakeStream(conn, early, isServer, options, told);
  });
}

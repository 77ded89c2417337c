/** Who asks a status listener, for tests of single routes: somebody on loopback. */
import type { Conn } from "../../lib/net/conn.ts";
import type { Asking } from "../../lib/service/status.ts";

/** `host` is the field Host; of `conn` no more is there than its addresses and TLS. */
export function asking(host = "localhost", conn: Partial<Pick<Conn, "remote" | "local" | "tls">> = {}): Asking {
  const loopback = { ip: "127.0.0.1", port: 40_000 };
  return { host, conn: { remote: loopback, local: loopback, tls: undefined, ...conn } as Conn };
}

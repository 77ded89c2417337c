/** What is known of a client's connection before it asks for anything: its address, and what it proved of itself with TLS. */
import type { Peer } from "../../lib/identity/peer.ts";
import type { Conn, SocketAddress, TlsInfo } from "../../lib/net/conn.ts";

/** Of a connection that is more than a plain socket: behind TLS, or behind a proxy that is believed. */
export interface Origin {
  /** The client's address: of a PROXY header, or of the socket. */
  readonly client: SocketAddress;
  readonly tls: TlsInfo | undefined;
  /** The certificate that it gave, verified; absent where it gave none. */
  readonly peer: Peer | undefined;
}

/** The client's address, however it came. */
export function clientAddress({ conn, origin }: { conn: Conn; origin: Origin | undefined }): SocketAddress {
  return origin?.client ?? conn.remote;
}

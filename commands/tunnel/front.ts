/** The client's side of a connection: from what was accepted to a connection that may be let through, as far as its own proof goes. */
import type { PeerCredentials } from "../../lib/ffi/descriptor.ts";
import type { Conn, Early, SocketAddress } from "../../lib/net/conn.ts";
import { acceptProxy } from "../../lib/net/accept-proxy.ts";
import { unixPeer } from "../../lib/net/unix-peer.ts";
import { awaitStartTls } from "../../lib/net/starttls.ts";
import { secure } from "../../lib/net/tls.ts";
import { TlsFailure } from "../../lib/net/tls-failure.ts";
import type { Peer } from "../../lib/identity/peer.ts";
import { identify, refusedByRules } from "./authorise.ts";
import { handshakeRefusal, Refusal } from "./refusal.ts";
import type { Tunnel } from "./tunnel.ts";

export interface Front {
  conn: Conn;
  /** What came ahead of the receiver. */
  early: Early;
  /** The client's address: of a PROXY header, or of the socket. */
  source: SocketAddress;
  /** Where the client connected to, likewise. */
  destination: SocketAddress;
  /** The client's certificate, if it gave one. */
  peer: Peer | undefined;
  /** The process at the other end of a UNIX socket. */
  owner: PeerCredentials | undefined;
}

const NOTHING: Early = { bytes: new Uint8Array(0), ended: false };

/** Takes the client through PROXY header, STARTTLS and TLS, as far as the tunnel asks for them. `told` learns who it is. */
export async function openFront(
  tunnel: Tunnel,
  accepted: Conn,
  told: { client: SocketAddress },
): Promise<Front | Refusal> {
  const { settings } = tunnel;
  const owner = unixPeer(accepted);
  let early = NOTHING;
  let source = accepted.remote;
  let destination = accepted.local;
  if (settings.acceptProxyFrom !== undefined) {
    const clientFirst = settings.side === "server";
    const header = await acceptProxy(accepted, settings.acceptProxyFrom, tunnel.deadlines, clientFirst);
    if (!header.ok) return new Refusal("handshake", header.code, header.reason);
    early = header.early;
    source = header.source ?? source;
    destination = header.destination ?? destination;
    told.client = source;
  }
  if (settings.side === "client") return { conn: accepted, early, source, destination, peer: undefined, owner };
  let mustNegotiate: string | undefined;
  if (settings.starttls !== undefined) {
    const started = await awaitStartTls(accepted, early, tunnel.deadlines);
    if (!started.ok) return new Refusal("handshake", started.code, started.reason);
    ({ early, mustNegotiate } = started);
  }
  const conn = await secure(accepted, early, true, tunnel.handshakeOptions());
  if (conn instanceof TlsFailure) return handshakeRefusal("handshake", conn);
  if (mustNegotiate !== undefined && conn.tls?.protocolId !== mustNegotiate) {
    const message = `TLS without a request for it must negotiate the protocol id ${mustNegotiate}`;
    return refuse(conn, new Refusal("handshake", "protocol_id_missing", message));
  }
  const known = identify(conn.tls, "handshake", tunnel.pinned ? undefined : Date.now(), tunnel.trust);
  if (known instanceof Refusal) return refuse(conn, known);
  const refused = settings.rules && refusedByRules(settings.rules, known.peer, "handshake");
  if (refused !== undefined) return refuse(conn, refused);
  return { conn, early: NOTHING, source, destination, peer: known.peer, owner };
}

function refuse(conn: Conn, refusal: Refusal): Refusal {
  conn.destroy();
  return refusal;
}

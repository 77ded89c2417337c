/** What a multiplexer knows of a session, under the ACL's names. */
import type { Facts } from "../../lib/acl/facts.ts";
import { peerFacts } from "../../lib/identity/peer.ts";
import { parseIp } from "../../lib/wire/ip.ts";
import type { Front } from "./front.ts";
import type { Route } from "./route.ts";
import type { Arrival } from "./sniff.ts";

/**
 * `client.auth` is "tls" where TLS ends here: of what passes as it is nothing is proven but what the hello says. `host` is
 * canonical, and absent where the target is a UNIX socket.
 */
export function sessionFacts(
  arrival: Arrival<Route>,
  front: Front,
  target: { host: string; port: number } | undefined,
): Facts {
  const { conn, source, owner, hello, route } = arrival;
  const { tls } = front.conn;
  return {
    command: "mux",
    "mux.route": route.name,
    now: Date.now(),
    ...("ip" in source ? { "client.ip": parseIp(source.ip), "client.port": source.port } : {}),
    ...(owner === undefined ? {} : { "client.uid": owner.uid, "client.gid": owner.gid }),
    "peer.ip": "ip" in conn.remote ? parseIp(conn.remote.ip) : undefined,
    "listen.port": "port" in conn.local ? conn.local.port : undefined,
    "client.auth": tls === undefined ? "none" : "tls",
    ...(hello === undefined
      ? {}
      : { "tls.server_name": hello.serverName, "tls.protocol_ids": hello.protocolIds ?? [] }),
    ...(tls === undefined ? {} : { "tls.version": tls.version, "tls.protocol_id": tls.protocolId }),
    ...(front.peer === undefined ? {} : peerFacts(front.peer, "client")),
    ...target,
  };
}

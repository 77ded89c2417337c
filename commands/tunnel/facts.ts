/** What a tunnel knows of a session, under the ACL's names. */
import type { Facts } from "../../lib/acl/facts.ts";
import { peerFacts } from "../../lib/identity/peer.ts";
import type { SocketAddress } from "../../lib/net/conn.ts";
import { parseIp } from "../../lib/wire/ip.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import type { Progress } from "./session.ts";
import type { Tunnel } from "./tunnel.ts";

/** `tls.*` is the connection with the client; of a client tunnel, whose clients come in the clear, that with the server. */
export function sessionFacts(tunnel: Tunnel, { client, front, back }: Progress): Facts {
  const { settings } = tunnel;
  const secured = settings.side === "server" ? front : back;
  const tls = secured?.conn.tls;
  const target = back?.target.endpoint ?? tunnel.targets.all[0]?.endpoint;
  const socket = front?.conn.remote;
  return {
    command: "tunnel",
    "tunnel.name": settings.name,
    now: Date.now(),
    ...addressFacts(client),
    ...(front?.owner === undefined ? {} : { "client.uid": front.owner.uid, "client.gid": front.owner.gid }),
    "peer.ip": socket !== undefined && "ip" in socket ? parseIp(socket.ip) : undefined,
    "listen.port": front !== undefined && "port" in front.conn.local ? front.conn.local.port : undefined,
    "client.auth": settings.side === "server" ? "tls" : "none",
    ...(tls === undefined
      ? {}
      : {
          "tls.version": tls.version,
          "tls.protocol_id": tls.protocolId,
          "tls.server_name": tls.serverName === undefined ? undefined : canonicalHost(tls.serverName).host,
        }),
    ...(target?.kind === "tcp" ? { host: canonicalHost(target.host).host, port: target.port } : {}),
    ...(front?.peer === undefined ? {} : peerFacts(front.peer, "client")),
    ...(back?.peer === undefined ? {} : peerFacts(back.peer, "upstream")),
    ...(back?.serverName === undefined ? {} : { "upstream.name": canonicalHost(back.serverName).host }),
  };
}

function addressFacts(address: SocketAddress): Facts {
  return "ip" in address ? { "client.ip": parseIp(address.ip), "client.port": address.port } : {};
}

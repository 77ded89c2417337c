/** What a transparent proxy knows of a session, under the ACL's names. */
import type { Facts } from "../../lib/acl/facts.ts";
import { peerFacts } from "../../lib/identity/peer.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import { parseIp } from "../../lib/wire/ip.ts";
import type { Arrival } from "./arrival.ts";
import type { Back } from "./back.ts";

/** `port` is the one that the client asked for; `dest.ip` is absent where a name is dialled. */
export function sessionFacts(arrival: Arrival, back: Back | undefined): Facts {
  const { conn, client, host, destination, target, route } = arrival;
  const { remote, local } = conn;
  const { process } = client ?? {};
  const tls = back?.conn.tls;
  return {
    command: "tproxy",
    "tproxy.rule": route.name,
    now: Date.now(),
    ...("ip" in remote
      ? { "client.ip": parseIp(remote.ip), "client.port": remote.port, "peer.ip": parseIp(remote.ip) }
      : {}),
    "client.uid": client?.uid,
    "client.gid": process?.gid,
    "client.pid": process?.pid,
    "client.executable": process?.executable,
    "client.cgroup": process?.cgroup,
    "client.auth": "none",
    "listen.port": "port" in local ? local.port : undefined,
    host,
    port: destination.port,
    "dest.ip": parseIp(target.host),
    ...(tls === undefined ? {} : { "tls.version": tls.version, "tls.protocol_id": tls.protocolId }),
    ...(back?.peer === undefined ? {} : peerFacts(back.peer, "upstream")),
    ...(back?.serverName === undefined ? {} : { "upstream.name": canonicalHost(back.serverName).host }),
  };
}

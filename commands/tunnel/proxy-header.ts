/** What a target is told of its client in a PROXY v2 header. The bytes are lib/wire/proxy-protocol.ts. */
import type { ProxyClaim, ProxyMode } from "../../lib/wire/proxy-protocol.ts";
import type { Front } from "./front.ts";

/** The claim of `mode` about the client of `front`. */
export function proxyHeaderOf(mode: ProxyMode, { conn, source, destination, peer }: Front): ProxyClaim {
  const { tls } = conn;
  if (tls === undefined) return { mode, source, destination };
  const { version, protocolId, serverName } = tls;
  const known = peer === undefined ? {} : { peer: { commonName: peer.cn, certificate: peer.der } };
  return { mode, source, destination, tls: { version, protocolId, serverName, ...known } };
}

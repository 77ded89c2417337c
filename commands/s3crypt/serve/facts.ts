/** What the proxy knows of a request, under the ACL's names. */
import type { Facts } from "../../../lib/acl/facts.ts";
import { peerFacts } from "../../../lib/identity/peer.ts";
import { unixPeer } from "../../../lib/net/unix-peer.ts";
import { canonicalHost } from "../../../lib/wire/host.ts";
import { parseIp } from "../../../lib/wire/ip.ts";
import type { Field } from "../../../lib/wire/http-forward.ts";
import type { Client } from "./client.ts";
import type { Asked, Subject } from "./dialect.ts";

/** `path` and `query` are those at the storage. */
export function requestFacts(client: Client, asked: Asked, subject: Subject): Facts {
  const { conn, address, local, peer, gateway } = client;
  const { tls } = conn;
  const owner = unixPeer(conn);
  return {
    command: "s3crypt",
    now: Date.now(),
    ...("ip" in address ? { "client.ip": parseIp(address.ip), "client.port": address.port } : {}),
    ...(owner === undefined ? {} : { "client.uid": owner.uid, "client.gid": owner.gid }),
    "peer.ip": "ip" in conn.remote ? parseIp(conn.remote.ip) : undefined,
    "listen.port": "port" in local ? local.port : undefined,
    "client.auth": tls === undefined ? "none" : "tls",
    "tls.version": tls?.version,
    ...(peer === undefined ? {} : peerFacts(peer, "client")),
    method: asked.method,
    path: asked.path,
    query: asked.query,
    scheme: tls === undefined ? "http" : "https",
    host: hostOf(asked.headers),
    "s3.operation": subject.operation,
    "s3.bucket": subject.bucket,
    "s3.key": subject.key,
    ...(gateway.wantsHeaders ? headerFacts(asked.headers) : {}),
  };
}

/** Without the port. */
function hostOf(fields: readonly Field[]): string | undefined {
  const value = fields.find(([name]) => name.toLowerCase() === "host")?.[1] ?? "";
  return canonicalHost(value.replace(/:[0-9]*$/, "").replace(/^\[|\]$/g, "")).host;
}

/** Several lines of one name are one fact, joined as RFC 9110 section 5.3 has it. */
function headerFacts(fields: readonly Field[]): Facts {
  const facts: Record<`header.${string}`, string> = {};
  for (const [name, value] of fields) {
    const fact = `header.${name.toLowerCase()}` as const;
    facts[fact] = facts[fact] === undefined ? value : `${facts[fact]}, ${value}`;
  }
  return facts;
}

/** What the access proxy knows of a request, under the ACL's names. */
import type { Facts } from "../../lib/acl/facts.ts";
import { parseIp } from "../../lib/wire/ip.ts";
import type { Asked, Asker } from "./passage.ts";

/** The facts of every request; those that only the protocol knows are in `asked.facts`. */
export function commonFacts(asker: Asker, asked: Asked): Facts {
  const { remote, local } = asker.conn;
  const client = "ip" in remote ? parseIp(remote.ip) : undefined;
  return {
    command: "socks",
    "client.ip": client,
    "client.port": "ip" in remote ? remote.port : undefined,
    "peer.ip": client,
    "client.auth": "none",
    "client.user": asker.user,
    "listen.port": "ip" in local ? local.port : undefined,
    "proxy.protocol": asked.protocol,
    "route.local": true,
    now: Date.now(),
    port: asked.port,
    ...asked.facts,
  };
}

/** Several lines of one name are one fact, joined as RFC 9110 section 5.3 has it. */
export function headerFacts(headers: readonly (readonly [name: string, value: string])[]): Facts {
  const facts: Record<`header.${string}`, string> = {};
  for (const [name, value] of headers) {
    const fact = `header.${name.toLowerCase()}` as const;
    facts[fact] = facts[fact] === undefined ? value : `${facts[fact]}, ${value}`;
  }
  return facts;
}

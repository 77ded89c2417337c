/** Whether datagrams may go to a destination: decided as connections are, and never by way of a backend. Sends nothing. */
import type { Facts } from "../../lib/acl/facts.ts";
import { decideEgress, type Verdict } from "../../lib/net/egress.ts";
import type { ProxyRequest } from "../../lib/session/front.ts";
import type { CanonicalHost } from "../../lib/wire/host.ts";
import type { Ip } from "../../lib/wire/ip.ts";
import { requestFacts } from "./facts.ts";
import type { Asker } from "./passage.ts";
import type { Proxy } from "./proxy.ts";

export type KnownHost = Extract<CanonicalHost, { host: string }>;

/** `known` is the address of an earlier decision, which is to be renewed: then the name is not resolved again. */
export function decideDatagrams(
  proxy: Proxy,
  asker: Asker,
  asked: ProxyRequest,
  canonical: KnownHost,
  known: Ip | undefined,
): Verdict | Promise<Verdict> {
  const { egress } = proxy;
  const decide = (facts: Facts) => decideEgress(known === undefined ? facts : { ...facts, "dest.ip": known }, egress);
  const facts = proxy.known(requestFacts(asker, asked, canonical, proxy.wants));
  return facts instanceof Promise ? facts.then(decide) : decide(facts);
}

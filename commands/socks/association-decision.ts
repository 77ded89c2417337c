/** Whether datagrams may go to a destination: decided as connections are, and never by way of a backend. Sends nothing. */
import { backendDecision } from "../../lib/acl/decision.ts";
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
  const decide = (facts: Facts) => {
    const verdict = decideEgress(known === undefined ? facts : { ...facts, "dest.ip": known }, egress);
    return verdict instanceof Promise ? verdict.then(withoutBackend) : withoutBackend(verdict);
  };
  const facts = proxy.known(requestFacts(asker, asked, canonical, proxy.wants));
  return facts instanceof Promise ? facts.then(decide) : decide(facts);
}

/** A backend takes no datagrams, and to send them past it would be what its route is there to prevent. */
function withoutBackend(verdict: Verdict): Verdict {
  if (verdict.decision.outcome !== "allow" || verdict.facts["route.local"] !== false) return verdict;
  return { ...verdict, decision: backendDecision(verdict.decision), candidates: [] };
}

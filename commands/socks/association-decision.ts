/** Whether datagrams may go to a destination: decided as connections are, and never by way of a backend. Sends nothing. */
import { backendDecision } from "../../lib/acl/decision.ts";
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
  const facts = requestFacts(asker, asked, canonical, proxy.wants);
  const verdict = decideEgress(known === undefined ? facts : { ...facts, "dest.ip": known }, proxy);
  return verdict instanceof Promise
    ? verdict.then((late) => withoutBackend(proxy, late))
    : withoutBackend(proxy, verdict);
}

/** A backend takes no datagrams, and to send them past it would be what its route is there to prevent. */
function withoutBackend({ policy }: Proxy, verdict: Verdict): Verdict {
  if (verdict.decision.outcome !== "allow" || policy.routeCount === 0) return verdict;
  const { backends } = policy.routes({ ...verdict.facts, "route.local": undefined });
  if (backends?.length === 0) return verdict;
  return { ...verdict, decision: backendDecision(verdict.decision), candidates: [] };
}

/** How a request ends whose addresses are known, and every evaluation on the way: lib/acl/request.ts without a resolver. */
import type { Ip } from "../../wire/ip.ts";
import type { Facts } from "../facts.ts";
import type { Guard } from "../guard.ts";
import type { EarlyDecision, Policy } from "../policy.ts";
import { decideRequest } from "../request.ts";
import { type Evaluation, type Hop, isProxy, Trace } from "../testing/trace.ts";

export interface Request {
  /** `host` canonical; without a host the facts are decided as they are. */
  readonly facts: Facts;
  /** The addresses of a name: none if it does not resolve, undefined if nobody knows. */
  addresses(host: string): readonly Ip[] | undefined;
}

export interface Verdict {
  /** `resolve`: the policy may allow it, but the addresses of the name are not known. */
  readonly decision: EarlyDecision;
  /** Of the request that was decided, after redirects. */
  readonly facts: Facts;
  readonly redirected: boolean;
  /** The policy may allow it, but the name has no address; the decision is a denial. */
  readonly unresolved: boolean;
  /** The request as it was asked for, and after each redirect. */
  readonly hops: readonly Hop[];
  /** The evaluation whose decision this is; undefined where a route, an address or too many redirects were in the way. */
  readonly last: Evaluation | undefined;
}

const RESOLVE: EarlyDecision = { outcome: "resolve" };

/** Decides the request to its end. The address guard stands in proxies only, as in the daemons. */
export function verdictOf(policy: Policy, request: Request, guard: Guard): Verdict {
  const trace = new Trace(policy);
  const { hops } = trace;
  const deciding = decideRequest(request.facts, trace, isProxy(request.facts) ? guard : undefined);
  let unresolved = false;
  let step = deciding.next();
  while (!step.done) {
    const addresses = request.addresses(step.value);
    if (addresses === undefined) {
      const { facts, evaluations } = hops.at(-1)!;
      return { decision: RESOLVE, facts, redirected: hops.length > 1, unresolved, hops, last: evaluations.at(-1) };
    }
    unresolved = addresses.length === 0;
    step = deciding.next(addresses);
  }
  const { decision, facts, hops: redirects } = step.value;
  const last = hops.at(-1)?.evaluations.findLast((one) => one.decision === decision);
  return { decision, facts, redirected: redirects > 0, unresolved, hops, last };
}

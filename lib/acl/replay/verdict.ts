/** How a request ends whose addresses are known: lib/acl/request.ts without a resolver, plainly or with all evaluations on the way. */
import type { Ip } from "../../wire/ip.ts";
import type { Facts } from "../facts.ts";
import type { Guard } from "../guard.ts";
import type { EarlyDecision, Policy } from "../policy.ts";
import { decideAsCommand, type Exits, type Router } from "../routed.ts";
import { type Evaluation, type Hop, Trace } from "../testing/trace.ts";

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
}

export interface TracedVerdict extends Verdict {
  /** The request as it was asked for, and after each redirect. */
  readonly hops: readonly Hop[];
  /** The evaluation whose decision this is; undefined where a route, an address or too many redirects were in the way. */
  readonly last: Evaluation | undefined;
}

/** Decides the request to its end. The address guard stands in proxies only, as in the daemons. */
export function verdictOf(policy: Router, request: Request, guard: Guard, exits?: Exits): Verdict {
  const { facts } = request;
  const deciding = decideAsCommand(facts, policy, guard, exits);
  let unresolved = false;
  let step = deciding.next();
  while (!step.done) {
    const addresses = request.addresses(step.value);
    if (addresses === undefined) return { decision: RESOLVE, facts, redirected: false, unresolved };
    unresolved = addresses.length === 0;
    step = deciding.next(addresses);
  }
  const { decision, facts: decided, hops } = step.value;
  return { decision, facts: decided, redirected: hops > 0, unresolved };
}

/** The same, and every evaluation of it. */
export function tracedVerdictOf(policy: Policy, request: Request, guard: Guard, exits?: Exits): TracedVerdict {
  const trace = new Trace(policy);
  const verdict = verdictOf(trace, request, guard, exits);
  const { hops } = trace;
  const hop = hops.at(-1);
  if (verdict.decision.outcome === "resolve")
    return { ...verdict, facts: hop!.facts, redirected: hops.length > 1, hops, last: hop!.evaluations.at(-1) };
  return { ...verdict, hops, last: hop?.evaluations.findLast((one) => one.decision === verdict.decision) };
}

const RESOLVE: EarlyDecision = { outcome: "resolve" };

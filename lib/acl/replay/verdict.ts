/** How a request ends whose addresses are known: redirects, early denials and every address decided as the proxies do. Resolves nothing. */
import type { Ip } from "../../wire/ip.ts";
import { parseIp } from "../../wire/ip.ts";
import { type Decision, troubleDecision } from "../decision.ts";
import type { Facts } from "../facts.ts";
import type { Guard } from "../guard.ts";
import type { EarlyDecision, Policy } from "../policy.ts";

export interface Request {
  /** `host` canonical; without a host the facts are decided as they are. */
  readonly facts: Facts;
  /** The addresses of a name: none if it does not resolve, undefined if nobody knows. */
  addresses(host: string): readonly Ip[] | undefined;
}

/** One evaluation on the way to the end. */
export interface Step {
  readonly facts: Facts;
  /** Before resolution: `dest.ip` is still to come. */
  readonly pending: boolean;
  readonly decision: EarlyDecision;
  /** Redirects that were followed before. */
  readonly hop: number;
}

export interface Verdict {
  /** `resolve`: the policy may allow it, but the addresses of the name are not known. */
  readonly decision: EarlyDecision;
  /** Of the evaluation that decided. */
  readonly facts: Facts;
  /** How many redirects were followed. */
  readonly hops: number;
  /** The policy may allow it, but the name has no address; the decision is a denial. */
  readonly unresolved: boolean;
}

/** A name without an address lacks the fact that its decision needs. */
const UNRESOLVED = troubleDecision(undefined, "missing_fact", "dest.ip");

/** Decides the request to its end; `trace` is told every evaluation, in order. Agrees with lib/net/egress.ts. */
export function verdictOf(
  policy: Policy,
  request: Request,
  guard: Guard | undefined,
  trace?: (step: Step) => void,
): Verdict {
  let verdict = decideTarget(policy, request, request.facts, 0, guard, trace);
  for (let hop = 1; verdict.decision.outcome === "redirect"; hop++) {
    const next = policy.follow(verdict.facts, verdict.decision as Decision, hop);
    if ("decision" in next) return { ...verdict, decision: next.decision };
    verdict = decideTarget(policy, request, next.facts, hop, guard, trace);
  }
  return verdict;
}

function decideTarget(
  policy: Policy,
  request: Request,
  facts: Facts,
  hop: number,
  guard: Guard | undefined,
  trace: ((step: Step) => void) | undefined,
): Verdict {
  const { host } = facts;
  const literal = facts["dest.ip"] ?? (host === undefined ? undefined : parseIp(host));
  if (host === undefined || literal !== undefined) {
    const known = literal === undefined || facts["dest.ip"] !== undefined ? facts : { ...facts, "dest.ip": literal };
    const decision = policy.decide(known, guard);
    trace?.({ facts: known, pending: false, decision, hop });
    return { decision, facts: known, hops: hop, unresolved: false };
  }
  const early = policy.decideBeforeResolution(facts);
  trace?.({ facts, pending: true, decision: early, hop });
  const addresses = early.outcome === "resolve" ? request.addresses(host) : undefined;
  if (addresses === undefined) return { decision: early, facts, hops: hop, unresolved: false };
  if (addresses.length === 0) return { decision: UNRESOLVED, facts, hops: hop, unresolved: true };
  let first: Verdict | undefined;
  let leading: Verdict | undefined;
  for (const ip of addresses) {
    const known: Facts = { ...facts, "dest.ip": ip };
    const decision = policy.decide(known, guard);
    trace?.({ facts: known, pending: false, decision, hop });
    const verdict = { decision, facts: known, hops: hop, unresolved: false };
    first ??= verdict;
    if (decision.outcome !== "deny") leading ??= verdict;
  }
  return (leading ?? first)!;
}

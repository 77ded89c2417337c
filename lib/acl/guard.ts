/** The address guard: what an allow must have said about an address that is not public. Part of the decision. */
import { type Ip, ipClass, isUnspecified, parseIp, sameIp } from "../wire/ip.ts";
import type { GuardClass } from "./decision.ts";
import { evaluate, TRUE, Trouble } from "./evaluate.ts";
import type { Facts } from "./facts.ts";
import type { CheckedPolicy, Comparison, Condition } from "./model.ts";

export interface Guard {
  /** Where we listen ourselves, 0.0.0.0 and :: included: no client may be led back to it unasked. */
  readonly own: readonly { readonly ip: Ip; readonly port: number }[];
  /** Whether an address is one of this machine's now. Asked only about ports on which we listen at every address. */
  readonly isLocal?: (ip: Ip) => boolean;
  /** Where a backend resolves names, only literals can be judged. */
  readonly resolvedBy: "us" | "backend";
}

/**
 * Why the guard refuses what `policy` allows, or undefined. Every class but `private` passes only by a comparison of
 * `dest.ip`, or of `host` where it is a literal, that is true and outside any negation in the deciding policy;
 * `private` passes also by a true `host ==`, `host in` or `under`. Comparisons with other facts prove nothing.
 */
export function guardRefusal(policy: CheckedPolicy, facts: Facts, guard: Guard): GuardClass | undefined {
  const address = facts["dest.ip"] ?? (facts.host === undefined ? undefined : parseIp(facts.host));
  if (address === undefined) return guard.resolvedBy === "us" && facts.host !== undefined ? "unresolved" : undefined;
  const kind = guardClassOf(address, facts.port, guard);
  if (kind === undefined) return undefined;
  const proof = proofOf(policy.when, facts) | proofOf(policy.require, facts);
  return (proof & (kind === "private" ? NAMED | ADDRESSED : ADDRESSED)) === 0 ? kind : undefined;
}

function guardClassOf(ip: Ip, port: number | undefined, guard: Guard): GuardClass | undefined {
  const { own } = guard;
  for (let i = 0; i < own.length; i++) if (own[i]!.port === port && hears(own[i]!.ip, ip, guard)) return "own-listener";
  const kind = ipClass(ip);
  return kind === "public" ? undefined : kind;
}

/** Whether what comes to `ip` comes to a listener at `bound`. One at :: hears IPv4 too. */
function hears(bound: Ip, ip: Ip, { isLocal }: Guard): boolean {
  if (sameIp(bound, ip)) return true;
  return isUnspecified(bound) && (bound.family === 6 || ip.family === 4) && isLocal?.(ip) === true;
}

/** A true comparison of the host's name; a true comparison of the address. */
const NAMED = 1;
const ADDRESSED = 2;

const trouble = new Trouble();

/** What a condition that is true says about the destination, along the way that its evaluation took. */
function proofOf(condition: Condition | undefined, facts: Facts): number {
  if (condition?.kind === "comparison") return proofOfComparison(condition, facts);
  if (condition?.kind === "and") return condition.items.reduce((proof, item) => proof | proofOf(item, facts), 0);
  if (condition?.kind !== "or") return 0;
  // The first true one is where the evaluation stopped.
  return proofOf(
    condition.items.find((item) => evaluate(item, facts, false, trouble) === TRUE),
    facts,
  );
}

function proofOfComparison({ fact, question, negated }: Comparison, facts: Facts): number {
  if (negated) return 0;
  if (fact === "dest.ip") return question.kind === "equals-address" || question.kind === "in-addresses" ? ADDRESSED : 0;
  if (fact !== "host") return 0;
  if (question.kind === "under") return NAMED;
  if (question.kind !== "equals" && question.kind !== "in-names") return 0;
  return parseIp(facts.host!) === undefined ? NAMED : NAMED | ADDRESSED;
}

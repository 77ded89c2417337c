/** The address guard: what an allow must have said about an address that is not public. Part of the decision. */
import { type Ip, ipClass, isUnspecified, parseIp, sameIp } from "../wire/ip.ts";
import type { GuardClass } from "./decision.ts";
import { evaluate, TRUE, Trouble } from "./evaluate.ts";
import type { Facts } from "./facts.ts";
import { type CheckedPolicy, type Comparison, type Condition, factsOf } from "./model.ts";

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
 * Datagrams (`proxy.cmd` is `udp_associate`), wherever they go, pass only by such a comparison of `proxy.cmd`.
 */
export function guardRefusal(policy: CheckedPolicy, facts: Facts, guard: Guard): GuardClass | undefined {
  if (isUdp(facts) && (proofOfPolicy(policy, facts) & COMMANDED) === 0) return "udp";
  const address = facts["dest.ip"] ?? (facts.host === undefined ? undefined : parseIp(facts.host));
  if (address === undefined) return guard.resolvedBy === "us" && facts.host !== undefined ? "unresolved" : undefined;
  const kind = guardClassOf(address, facts.port, guard);
  if (kind === undefined) return undefined;
  const proof = proofOfPolicy(policy, facts);
  return (proof & (kind === "private" ? NAMED | ADDRESSED : ADDRESSED)) === 0 ? kind : undefined;
}

/**
 * Before the address is known: "udp" where datagrams are asked for, and `policy` never asks for the command. What it
 * allows it allows for connections, which is all that there was when many a policy was written.
 */
export function udpRefusal({ when, require }: CheckedPolicy, facts: Facts): GuardClass | undefined {
  if (!isUdp(facts)) return undefined;
  const asks = [when, require].some((one) => one !== undefined && factsOf(one).includes("proxy.cmd"));
  return asks ? undefined : "udp";
}

/** Whether it is about where datagrams go. */
export function isUdp(facts: Facts): boolean {
  return facts["proxy.cmd"] === "udp_associate";
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

/** A true comparison of the host's name; of the address; of the command. */
const NAMED = 1;
const ADDRESSED = 2;
const COMMANDED = 4;

const trouble = new Trouble();

function proofOfPolicy({ when, require }: CheckedPolicy, facts: Facts): number {
  return proofOf(when, facts) | proofOf(require, facts);
}

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
  if (fact === "proxy.cmd") return question.kind === "equals" || question.kind === "in-names" ? COMMANDED : 0;
  if (fact !== "host") return 0;
  if (question.kind === "under") return NAMED;
  if (question.kind !== "equals" && question.kind !== "in-names") return 0;
  return parseIp(facts.host!) === undefined ? NAMED : NAMED | ADDRESSED;
}

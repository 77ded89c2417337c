/** From a request's facts to a decision that stands: early, by address, over redirects. It asks for addresses and resolves none. */
import { type Ip, parseIp } from "../wire/ip.ts";
import { type Decision, troubleDecision } from "./decision.ts";
import type { Facts } from "./facts.ts";
import type { Guard } from "./guard.ts";
import type { Policy } from "./policy.ts";

/** What of a policy set is asked; tools stand in between to see each question. */
export type Decider = Pick<Policy, "decide" | "decideBeforeResolution" | "follow">;

export interface Settlement {
  /** For a target with a name, `allow` only together with at least one address. */
  readonly decision: Decision;
  /** Of that decision. */
  readonly facts: Facts;
  /** Those that share the decision's outcome, in the order given. */
  readonly addresses: readonly Ip[];
  /** Addresses that were denied, or decided otherwise. */
  readonly refused: readonly Refused[];
  /** Redirects that were followed. */
  readonly hops: number;
}

interface Refused {
  readonly ip: Ip;
  readonly decision: Decision;
}

/** Yields a name whose addresses are needed, and takes them: none is a name that does not resolve. */
export type Deciding<T = Settlement> = Generator<string, T, readonly Ip[]>;

/**
 * Decides the request that `facts` describe (`host` canonical), and after a redirect its target. A name is asked for
 * only if the policy may allow it; then every address is decided by itself. Without a `guard`, for commands that connect
 * elsewhere, no address is of interest.
 */
export function* decideRequest(facts: Facts, policy: Decider, guard: Guard | undefined): Deciding {
  let settled = yield* decideTarget(facts, policy, guard);
  for (let hop = 1; settled.decision.outcome === "redirect"; hop++) {
    const next = policy.follow(settled.facts, settled.decision, hop);
    if ("decision" in next) return { ...settled, decision: next.decision };
    settled = { ...(yield* decideTarget(next.facts, policy, guard)), hops: hop };
  }
  return settled;
}

/** A name without an address lacks the fact that its decision needs. */
const UNRESOLVED = troubleDecision(undefined, "missing_fact", "dest.ip");
const NONE: readonly never[] = [];

function* decideTarget(facts: Facts, policy: Decider, guard: Guard | undefined): Deciding {
  const settled = decideAtOnce(facts, policy, guard);
  if (settled !== undefined) return settled;
  const addresses = yield facts.host!;
  return addresses.length === 0 ? settle(facts, UNRESOLVED, NONE) : decideAddresses(facts, addresses, policy, guard!);
}

/** The settlement of a target whose name, if it has one, need not be resolved; undefined where it must be. */
export function decideAtOnce(facts: Facts, policy: Decider, guard: Guard | undefined): Settlement | undefined {
  const { host } = facts;
  const literal = facts["dest.ip"] ?? (host === undefined ? undefined : parseIp(host));
  if (guard === undefined || (host === undefined && literal === undefined))
    return settle(facts, policy.decide(facts, guard), NONE);
  if (literal !== undefined) {
    const known = facts["dest.ip"] === undefined ? { ...facts, "dest.ip": literal } : facts;
    return settle(known, policy.decide(known, guard), [literal]);
  }
  const early = policy.decideBeforeResolution(facts);
  return early.outcome === "resolve" ? undefined : settle(facts, early, NONE);
}

/** The first decision that is not a denial, with all addresses of its outcome; if all are denied, the first denial. */
function decideAddresses(facts: Facts, addresses: readonly Ip[], policy: Decider, guard: Guard): Settlement {
  const decided = addresses.map((ip) => {
    const known: Facts = { ...facts, "dest.ip": ip };
    return { ip, known, decision: policy.decide(known, guard) };
  });
  const leading = decided.find(({ decision }) => decision.outcome !== "deny") ?? decided[0]!;
  const { outcome } = leading.decision;
  const taken = decided.filter(({ decision }) => outcome !== "deny" && decision.outcome === outcome);
  const refused = taken.length === decided.length ? NONE : decided.filter((one) => !taken.includes(one));
  const ips = taken.map(({ ip }) => ip);
  return { ...settle(leading.known, leading.decision, ips), refused };
}

function settle(facts: Facts, decision: Decision, addresses: readonly Ip[]): Settlement {
  return { decision, facts, addresses, refused: NONE, hops: 0 };
}

/** What a policy set says about one request, and why. Not how it is found. */
import type { IpClass } from "../wire/ip.ts";
import type { FactName } from "./facts.ts";
import type { CheckedAction, RedirectTarget } from "./model.ts";

type Outcome = "allow" | "deny" | "redirect" | "challenge";

/**
 * `policy`: the policy's action. `default`: no policy matched. `missing_fact`, `type_mismatch`: the evaluation reached a
 * fact that is absent, or of another type than was asked for. `guard`: the policy allows, the address guard does not.
 * `depth`: too many redirects. `backend`: a route leads datagrams to a backend, which takes none.
 */
const REASONS = ["policy", "default", "missing_fact", "type_mismatch", "guard", "depth", "backend"] as const;
export type Reason = (typeof REASONS)[number];

/**
 * `own-listener` is an address that we listen on; `unresolved` a name where an address was due; `udp` datagrams to
 * wherever, which the policy does not name.
 */
export type GuardClass = Exclude<IpClass, "public"> | "own-listener" | "unresolved" | "udp";

export interface Decision {
  readonly outcome: Outcome;
  /** The policy that decided, or in which a fact was missing; undefined is the deny at the end. */
  readonly policy: string | undefined;
  readonly reason: Reason;
  /** The fact, with the reasons `missing_fact` and `type_mismatch`. */
  readonly missing: FactName | undefined;
  readonly redirect: RedirectTarget | undefined;
  /** Of `deny explain-template="…"`. */
  readonly template: string | undefined;
  /** The message of `challenge "…"`. */
  readonly challenge: string | undefined;
  readonly guardClass: GuardClass | undefined;
  /** Policies with the action `log` that matched before the decision. */
  readonly logged: readonly string[] | undefined;
}

const BLANK: Decision = {
  outcome: "deny",
  policy: undefined,
  reason: "default",
  missing: undefined,
  redirect: undefined,
  template: undefined,
  challenge: undefined,
  guardClass: undefined,
  logged: undefined,
};

export const DEFAULT_DENY: Decision = BLANK;

/** The decision of a policy whose clauses hold. */
export function decisionOf(policy: string, action: CheckedAction): Decision {
  const base: Decision = { ...BLANK, policy, reason: "policy" };
  if (action.kind === "allow") return { ...base, outcome: "allow" };
  if (action.kind === "redirect") return { ...base, outcome: "redirect", redirect: action.target };
  if (action.kind === "challenge") return { ...base, outcome: "challenge", challenge: action.message };
  return { ...base, template: action.kind === "deny" ? action.template : undefined };
}

export function troubleDecision(
  policy: string | undefined,
  reason: "missing_fact" | "type_mismatch",
  missing: FactName,
): Decision {
  return { ...BLANK, policy, reason, missing };
}

export function guardDecision(decision: Decision, guardClass: GuardClass): Decision {
  return { ...BLANK, policy: decision.policy, reason: "guard", guardClass, logged: decision.logged };
}

export function depthDecision(policy: string | undefined): Decision {
  return { ...BLANK, policy, reason: "depth" };
}

/** What a policy allows cannot be done for datagrams. */
export function backendDecision({ policy, logged }: Decision): Decision {
  return { ...BLANK, policy, reason: "backend", logged };
}

export function withLogged(decision: Decision, logged: readonly string[]): Decision {
  return logged.length === 0 ? decision : { ...decision, logged };
}

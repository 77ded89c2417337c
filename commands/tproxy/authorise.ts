/** Whether the policy of a rule lets a connection through. */
import type { Decision } from "../../lib/acl/decision.ts";
import type { Facts } from "../../lib/acl/facts.ts";
import type { Policy } from "../../lib/acl/policy.ts";
import { Refusal } from "./refusal.ts";

/** Whether the policy asks about the server: then it is asked once that is known, else before anything is dialled. */
export function asksUpstream({ mentions }: Policy): boolean {
  return mentions.some((name) => name.startsWith("upstream.") || name.startsWith("tls."));
}

/** The policy's decision; a `Refusal` unless it allows. */
export function decideByPolicy(policy: Policy, facts: Facts): Decision | Refusal {
  const decision = policy.decide(facts);
  if (decision.outcome === "allow") return decision;
  const by = decision.policy === undefined ? "no policy allows it" : `by policy ${JSON.stringify(decision.policy)}`;
  const why = decision.missing === undefined ? by : `the fact ${decision.missing} is missing`;
  return new Refusal(REASONS[decision.reason] ?? "policy", `refused: ${why}`, { decision });
}

const REASONS: Partial<Record<Decision["reason"], string>> = {
  default: "policy_default",
  missing_fact: "missing_fact",
  type_mismatch: "missing_fact",
};

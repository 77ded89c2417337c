/** How much of a denial's reason its client is shown: nothing, unless a second policy set allows it. Writes no text for people. */
import type { Decision, Reason } from "./decision.ts";
import { explain, type ExplainedCondition } from "./explain.ts";
import type { FactName, Facts } from "./facts.ts";
import type { Policy } from "./policy.ts";

export interface ShownReason {
  readonly reason: Reason;
  /** Absent where no policy decided. */
  readonly policy: string | undefined;
  /** Comparisons of a `require`, as written, that were false in policies whose `when` was true. */
  readonly requirements: readonly string[];
  readonly missing: FactName | undefined;
}

/** Policies up to which the account of the requirements is given: it looks at every policy, and clients can ask for it at will. */
const MOST_POLICIES = 1000;
const MOST_REQUIREMENTS = 5;

/**
 * What `told`, the policy set that decides about explanations, lets the client know of `decision`: all of it where it
 * allows, else nothing. It is asked with the facts of the request, `command` as `"explain"`, and `decision.*`.
 */
export function shownReason(
  told: Policy | undefined,
  policy: Policy,
  decision: Decision,
  facts: Facts,
): ShownReason | undefined {
  if (told === undefined) return undefined;
  const asked: Facts = {
    ...facts,
    command: "explain",
    "decision.outcome": decision.outcome,
    "decision.policy": decision.policy,
    "decision.reason": decision.reason,
  };
  // A fact that is missing here denies, as everywhere, and any other outcome shows nothing either.
  if (told.decide(asked).outcome !== "allow") return undefined;
  const { reason, missing } = decision;
  return { reason, missing, policy: decision.policy, requirements: requirements(policy, decision, facts) };
}

/** A policy whose `require` is false is passed over: that it would have decided is what the person can do something about. */
function requirements(policy: Policy, { reason }: Decision, facts: Facts): readonly string[] {
  if (reason !== "default" && reason !== "policy") return [];
  if (policy.policyCount > MOST_POLICIES) return [];
  const { policies } = explain(policy, facts, { pending: facts["dest.ip"] === undefined });
  const failed = policies
    .filter(({ reached, action }) => reached && action === "allow")
    .filter(({ when, require }) => (when === undefined || when.state === "true") && require?.state === "false")
    .flatMap(({ require }) => falseParts(require!));
  return [...new Set(failed)].slice(0, MOST_REQUIREMENTS);
}

/** The smallest parts that made a condition false; of an `or` the whole, since any of it would do. */
function falseParts(condition: ExplainedCondition): string[] {
  if (condition.kind !== "and") return [condition.text.replaceAll(/\s+/g, " ")];
  return condition.items.filter(({ state }) => state === "false").flatMap(falseParts);
}

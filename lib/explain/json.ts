/** An account as one line of JSON. Not for people. */
import type { ExplainedClauses, ExplainedCondition } from "../acl/explain.ts";
import { type Account, factJson, knownFacts } from "./account.ts";

/** Ends with a line feed. Keys without a value are left out. */
export function accountJson({ policy, verdict, steps, backends, recorded, lacking }: Account): string {
  const { sources } = policy.program;
  const clauses = ({ name, place, when, require, state, reached }: ExplainedClauses) => ({
    name,
    file: place.file,
    ...sources.get(place.file)?.position(place.start),
    state,
    reached,
    when: when && conditionJson(when),
    require: require && conditionJson(require),
  });
  return `${JSON.stringify({
    v: 1,
    decision: verdict.decision,
    unresolved: verdict.unresolved,
    redirects: verdict.hops.length - 1,
    policies: policy.digest,
    recorded,
    lacking,
    backends,
    steps: steps.map(({ facts, pending, hop, last, decision, explanation }) => ({
      last,
      pending,
      redirects: hop,
      facts: Object.fromEntries(knownFacts(facts).map(([name, value]) => [name, factJson(name, value)])),
      decision,
      policies: explanation.policies.map((one) => ({ ...clauses(one), action: one.action, decided: one.decided })),
      routes: explanation.routes.map(clauses),
    })),
  })}\n`;
}

function conditionJson({ kind, text, state, facts, items }: ExplainedCondition): unknown {
  return { kind, text, state, facts, items: items.map(conditionJson) };
}

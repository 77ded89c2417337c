/** `require-fall-through`: an allow whose `require` is meant to protect, though a wider allow below lets in what fails it. */
import { compileClause } from "../compile/normalise.ts";
import { evaluate, FALSE, Trouble } from "../evaluate.ts";
import type { Facts } from "../facts.ts";
import { type CheckedPolicy, type Condition, factsOf } from "../model.ts";
import type { Report, Rule } from "./engine/finding.ts";
import { implies } from "./engine/implies.ts";
import type { Subject } from "./engine/subject.ts";
import { at } from "./engine/walk.ts";
import { witness } from "./engine/witness.ts";

export const rule: Rule = {
  id: "require-fall-through",
  severity: "warning",
  summary: "What fails a require is let in by a later policy",
  fixable: false,
  *check(subject) {
    for (const [i, policy] of subject.policies.entries()) {
      if (policy.action.kind !== "allow" || policy.when === undefined || policy.require === undefined) continue;
      const found = fallThrough(subject, i, policy.when, policy.require);
      if (found === undefined) continue;
      const { later, example } = found;
      yield at(policy.place, policy.require, reportOf(subject, policy, later, example));
    }
  },
};

function reportOf(
  subject: Subject,
  policy: CheckedPolicy,
  later: CheckedPolicy,
  { host }: Facts,
): Omit<Report, "file" | "start" | "end"> {
  const who = host === undefined ? "a request" : `a request for ${host}`;
  return {
    message: `${who} that fails this "require" goes on, and ${subject.refer(later, policy.place)} allows it`,
    hint: `put a policy that denies what its "when" matches behind "${policy.name}"`,
    label: "does not deny",
  };
}

const trouble = new Trouble();

/**
 * A later, wider allow that does not ask what `require` asks, shown by a request that the whole policy set lets in
 * through it. One that is about the same requests only, or asks for the same facts, is taken for a second way in.
 */
function fallThrough(
  subject: Subject,
  index: number,
  written: Condition,
  required: Condition,
): { later: CheckedPolicy; example: Facts } | undefined {
  const { policies, clauses, search, policy, unlikely } = subject;
  const [when, require] = [compileClause(written, undefined), compileClause(required, undefined)];
  const asked = new Set(factsOf(require));
  for (const fact of factsOf(when)) asked.delete(fact);
  const start = asked.size === 0 ? undefined : witness([when]);
  if (start === undefined) return undefined;
  const wider = search.find(start, index + 1, policies.length, (i) => policies[i]!.action.kind === "allow");
  for (const i of wider) {
    const clause = clauses[i]!;
    if (factsOf(clause).some((fact) => asked.has(fact)) || implies(clause, when)) continue;
    const example = witness([when, clause], unlikely);
    if (example === undefined || evaluate(require, example, false, trouble) !== FALSE) continue;
    const { outcome, policy: by } = policy.decide(example);
    if (outcome === "allow" && by === policies[i]!.name) return { later: policies[i]!, example };
  }
  return undefined;
}

/** `shadowed-policy`: a policy whose every request an earlier one has decided, though that one does not decide everything. */
import { refuses } from "./engine/coverage.ts";
import type { Rule } from "./engine/finding.ts";
import { keyOf } from "./engine/same.ts";

export const rule: Rule = {
  id: "shadowed-policy",
  severity: "warning",
  summary: "An earlier policy decides every request that this one is about",
  fixable: false,
  *check(subject) {
    const { policies, clauses, lastReached } = subject;
    for (const [i, policy] of policies.entries()) {
      const cover = subject.coveredBy(i);
      if (cover === undefined || cover === lastReached || keyOf(clauses[cover]!) === keyOf(clauses[i]!)) continue;
      const earlier = policies[cover]!;
      if (refuses(policy) && !refuses(earlier)) continue;
      yield {
        ...subject.name(policy),
        message: `"${policy.name}" never decides: ${subject.refer(earlier, policy.place)} is true, or lacks a fact, whenever this is`,
        hint: "move it in front of the wider policy, or delete it",
        label: "never decides",
      };
    }
  },
};

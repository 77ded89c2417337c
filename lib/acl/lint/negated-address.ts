/** `negated-address`: an allow that only says which addresses it is not about. */
import type { Rule } from "./engine/finding.ts";
import { at, comparisonsOf, quoted } from "./engine/walk.ts";

export const rule: Rule = {
  id: "negated-address",
  severity: "note",
  summary: "An allow compares dest.ip in negations only, which opens no address that is not public",
  fixable: false,
  *check(subject) {
    for (const [i, policy] of subject.policies.entries()) {
      if (policy.action.kind !== "allow") continue;
      const asked = [...comparisonsOf(subject.clauses[i]!)].filter(({ fact }) => fact === "dest.ip");
      const [first] = asked;
      if (first === undefined || !asked.every(({ negated }) => negated)) continue;
      yield at(policy.place, first, {
        message: `${quoted(subject, policy.place, first)} only says which addresses are not meant`,
        hint: "the address guard refuses what is not public anyway; name what is meant with dest.ip in",
        label: "opens no private address",
      });
    }
  },
};

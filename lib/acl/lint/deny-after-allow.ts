/** `deny-after-allow`: a refusal that an earlier allow or redirect leaves nothing to refuse. */
import { refuses } from "./engine/coverage.ts";
import type { Rule } from "./engine/finding.ts";

export const rule: Rule = {
  id: "deny-after-allow",
  severity: "error",
  summary: "A deny stands behind an allow that lets in everything it would refuse",
  fixable: false,
  *check(subject) {
    for (const [i, policy] of subject.policies.entries()) {
      const cover = refuses(policy) ? subject.coveredBy(i) : undefined;
      const earlier = cover === undefined ? undefined : subject.policies[cover]!;
      if (earlier === undefined || refuses(earlier)) continue;
      const what = earlier.action.kind === "allow" ? "allows" : "redirects";
      yield {
        ...subject.name(policy),
        message: `"${policy.name}" refuses nothing: ${subject.refer(earlier, policy.place)} ${what} it all before`,
        hint: `put it in front of "${earlier.name}"`,
        label: "refuses nothing",
      };
    }
  },
};

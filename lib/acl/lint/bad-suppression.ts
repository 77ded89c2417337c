/** `bad-suppression`: a suppressing comment without a reason, or for a rule that does not exist. It suppresses nothing. */
import type { Rule } from "./engine/finding.ts";

export const rule: Rule = {
  id: "bad-suppression",
  severity: "error",
  summary: "A suppressing comment gives no reason, or names no rule that exists",
  fixable: false,
  *check({ suppressions }) {
    for (const { file, start, end, trouble } of suppressions.all) {
      if (trouble === undefined) continue;
      yield { file, start, end, message: trouble, hint: "write # lint-allow RULE: why it is right here" };
    }
  },
};

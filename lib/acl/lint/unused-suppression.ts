/** `unused-suppression`: a suppressing comment for a finding that is not there any more. */
import { removal } from "./engine/edits.ts";
import type { Rule } from "./engine/finding.ts";

export const rule: Rule = {
  id: "unused-suppression",
  severity: "warning",
  summary: "A suppressing comment has nothing to suppress",
  fixable: true,
  *check(subject) {
    for (const one of subject.suppressions.unused()) {
      const { file, start, end } = one;
      const which = one.idle.map((rule) => `"${rule}"`).join(", ");
      yield {
        file,
        start,
        end,
        message: `nothing is left of ${which} to suppress here`,
        hint: "delete the comment",
        fix:
          subject.isEntry(file) && one.idle.length === one.rules.length
            ? removal(subject.textOf({ file }), one)
            : undefined,
      };
    }
  },
};

/** `unused-set`: a named set that no policy or route compares with. */
import { removal } from "./engine/edits.ts";
import type { Rule } from "./engine/finding.ts";
import { writtenComparisons } from "./engine/walk.ts";

export const rule: Rule = {
  id: "unused-set",
  severity: "warning",
  summary: "No policy and no route uses the set",
  fixable: true,
  *check(subject) {
    const used = new Set<string>();
    for (const { comparison } of writtenComparisons(subject))
      if (comparison.right.kind === "reference") used.add(comparison.right.name);
    // A file of sets, by itself or included, is there for others.
    const [entry] = subject.files;
    if (entry === undefined || subject.policies.length + subject.routes.length === 0) return;
    const { source, items } = entry;
    for (const item of items) {
      if (item.kind !== "set" || used.has(item.name.text)) continue;
      const edit = removal(source.text, item);
      const { start, end } = item.name;
      yield {
        file: source.name,
        start,
        end,
        message: `no policy and no route uses the set "${item.name.text}"`,
        hint: "delete it, or compare with it",
        label: "never used",
        fix: subject.hasComment(source.name, edit) ? undefined : edit,
      };
    }
  },
};

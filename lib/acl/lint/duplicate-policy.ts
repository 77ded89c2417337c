/** `duplicate-policy`: a policy with the very conditions of an earlier one, which therefore never decides. */
import type { CheckedPolicy } from "../model.ts";
import { refuses } from "./engine/coverage.ts";
import { removal } from "./engine/edits.ts";
import type { Edit, Rule } from "./engine/finding.ts";
import { keyOf, keyOfAction } from "./engine/same.ts";
import type { Subject } from "./engine/subject.ts";

export const rule: Rule = {
  id: "duplicate-policy",
  severity: "warning",
  summary: "A policy has the same conditions as an earlier one",
  fixable: true,
  *check(subject) {
    const { policies, clauses } = subject;
    const tested = namesInTests(subject);
    for (const [i, policy] of policies.entries()) {
      const cover = subject.coveredBy(i);
      if (cover === undefined || keyOf(clauses[cover]!) !== keyOf(clauses[i]!)) continue;
      const earlier = policies[cover]!;
      if (refuses(policy) && !refuses(earlier)) continue;
      const same = keyOfAction(earlier.action) === keyOfAction(policy.action);
      yield {
        ...subject.name(policy),
        message: `"${policy.name}" has the conditions${same ? " and the action" : ""} of ${subject.refer(earlier, policy.place)}, which decides first`,
        hint: "delete it, or say what is different about it",
        label: "never decides",
        fix: tested.has(policy.name) || !staysTogether(subject, policy, earlier) ? undefined : withoutBlock(subject, i),
      };
    }
  },
};

/** Another file may include the later policy without the earlier one. */
function staysTogether(subject: Subject, { place }: CheckedPolicy, earlier: CheckedPolicy): boolean {
  return place.file === earlier.place.file || subject.isEntry(place.file);
}

/** Equal conditions end alike, so that nothing changes without the later policy; comments are not thrown away. */
function withoutBlock(subject: Subject, index: number): Edit | undefined {
  const policy = subject.policies[index]!;
  const block = subject.block(policy);
  const edit = removal(subject.textOf(policy.place), block);
  const text = subject.textOf(policy.place);
  const lineBefore = text.slice(0, edit.start).trimEnd().split("\n").at(-1) ?? "";
  const commented = subject.hasComment(policy.place.file, edit) || /^\s*(#|\/\/)/.test(lineBefore);
  return commented ? undefined : edit;
}

function namesInTests({ program }: Subject): ReadonlySet<string> {
  return new Set(program.tests.flatMap(({ expect: { by, logged } }) => [...(by ? [by] : []), ...(logged ?? [])]));
}

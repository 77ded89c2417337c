/** `unreachable-policy`: policies behind one that decides every request. Refusals behind an allow are deny-after-allow's. */
import { isFinal, refuses } from "./engine/coverage.ts";
import type { Rule } from "./engine/finding.ts";

export const rule: Rule = {
  id: "unreachable-policy",
  severity: "warning",
  summary: "A policy stands behind one that decides every request",
  fixable: false,
  *check(subject) {
    const { policies, lastReached } = subject;
    const last = policies[lastReached];
    if (last === undefined) return;
    const behind = policies.filter(
      (policy, i) => i > lastReached && subject.coveredBy(i) === lastReached && (!refuses(policy) || refuses(last)),
    );
    const [first] = behind;
    if (first === undefined) return;
    const more = behind.length - 1;
    const others = more === 0 ? "is" : `and ${more === 1 ? "one more policy" : `${more} more policies`} are`;
    yield {
      ...subject.name(first),
      message: `"${first.name}" ${others} never reached: ${subject.refer(last, first.place)} decides every request`,
      hint: isFinal(first) ? "move it in front, or delete it" : "move it in front, or it never logs",
      label: "never reached",
    };
  },
};

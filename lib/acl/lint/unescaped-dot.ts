/** `unescaped-dot`: a dot in a pattern for hosts that stands for any character where a dot was meant. */
import { lookupFact } from "../facts.ts";
import type { Rule } from "./engine/finding.ts";
import { at, clausesOf, comparisonsOf } from "./engine/walk.ts";

export const rule: Rule = {
  id: "unescaped-dot",
  severity: "warning",
  summary: "A dot between labels of a host pattern is not escaped and matches any character",
  fixable: false,
  *check(subject) {
    for (const { owner, condition } of clausesOf(subject)) {
      for (const comparison of comparisonsOf(condition)) {
        const { fact, question } = comparison;
        if (question.kind !== "matches" || lookupFact(fact)?.spec.type !== "host") continue;
        const { text } = question.pattern;
        const dot = bareDot(text);
        if (dot === -1) continue;
        const before = text.slice(Math.max(0, dot - 20), dot + 1).match(/[a-z0-9-]*\.$/i)![0];
        const after = text.slice(dot + 1, dot + 21).match(/^[a-z0-9-]*/i)![0];
        yield at(owner.place, comparison, {
          message: `the dot in "${before}${after}" matches any character`,
          hint: `write "${before.slice(0, -1)}\\.${after}", or compare with under`,
          label: `also matches ${before.slice(0, -1)}x${after}`,
        });
      }
    }
  },
};

/** The first dot between two letters or digits that no quantifier follows, or -1. */
function bareDot(pattern: string): number {
  let inClass = false;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!;
    if (char === "\\") i++;
    else if (inClass) inClass = char !== "]";
    else if (char === "[") inClass = true;
    else if (char === "." && isLabel(pattern[i - 1]) && pattern[i - 2] !== "\\" && isLabel(pattern[i + 1])) return i;
  }
  return -1;
}

const isLabel = (char: string | undefined): boolean => char !== undefined && /[a-z0-9]/i.test(char);

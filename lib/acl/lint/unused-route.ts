/** `unused-route`: a route whose requests no policy lets through a backend. */
import { type Condition } from "../model.ts";
import type { Rule } from "./engine/finding.ts";
import { isNeverTrue } from "./engine/implies.ts";
import type { Subject } from "./engine/subject.ts";

/** Pairs of a route and a policy that are compared in all; what is beyond is not judged. */
const MAX_PAIRS = 50_000;

export const rule: Rule = {
  id: "unused-route",
  severity: "warning",
  summary: "No policy lets the route's requests through a backend",
  fixable: false,
  *check(subject) {
    const allows = subject.policies.flatMap(({ action }, i) => (action.kind === "allow" ? [subject.clauses[i]!] : []));
    let pairs = 0;
    for (const [r, route] of subject.routes.entries()) {
      const clause = subject.routeClauses[r]!;
      if (isNeverTrue(clause)) continue; // contradiction and constant-condition say so
      const isUsed = allows.some((allow) => ++pairs > MAX_PAIRS || !isNeverTrue(together(clause, allow)));
      if (isUsed) continue;
      yield {
        ...subject.name(route),
        message: `no policy lets what "${route.name}" takes through a backend`,
        hint: "allow it with route.local == false, or delete the route",
        label: "never used",
      };
    }
  },
};

function together(...parts: readonly Subject["clauses"][number][]): Condition {
  const items = [...parts, NOT_LOCAL].flatMap((part) => (part.kind === "and" ? part.items : [part]));
  return { kind: "and", items, start: 0, end: 0 };
}

const NOT_LOCAL: Condition = {
  kind: "comparison",
  fact: "route.local",
  question: { kind: "equals", value: false },
  negated: false,
  start: 0,
  end: 0,
};

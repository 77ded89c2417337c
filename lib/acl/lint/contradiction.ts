/** `contradiction`: comparisons that cannot be true together, joined by `and`. */
import type { Condition } from "../model.ts";
import type { Report, Rule } from "./engine/finding.ts";
import { clashAmong } from "./engine/implies.ts";
import type { Subject } from "./engine/subject.ts";
import { at, quoted } from "./engine/walk.ts";

export const rule: Rule = {
  id: "contradiction",
  severity: "error",
  summary: "Conditions that exclude each other are joined by and",
  fixable: false,
  *check(subject) {
    for (const [i, owner] of subject.policies.entries()) yield* within(subject.clauses[i]!, owner, subject);
    for (const [i, owner] of subject.routes.entries()) yield* within(subject.routeClauses[i]!, owner, subject);
  },
};

type Owner = Subject["policies"][number] | Subject["routes"][number];

function* within(condition: Condition, owner: Owner, subject: Subject): Iterable<Report> {
  if (condition.kind !== "and" && condition.kind !== "or") return;
  const clash = condition.kind === "and" ? clashAmong(condition.items) : undefined;
  if (clash !== undefined) {
    const [first, ...others] = clash.toSorted((x, y) => x.start - y.start);
    const last = others.at(-1) ?? first!;
    const what = [first!, last].map((one) => quoted(subject, owner.place, one)).join(" and ");
    yield at(owner.place, last, {
      message: `${what} are never true together here`,
      hint: 'join alternatives with "or", or use "in"',
      label: `never, with ${quoted(subject, owner.place, first!)}`,
    });
  }
  for (const item of condition.items) yield* within(item, owner, subject);
}

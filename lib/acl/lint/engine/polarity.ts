/** Comparisons whose truth lets more requests in, or sends them to a backend. Not what is wrong with them. */
import { isFinal, refuses } from "./coverage.ts";
import type { Subject } from "./subject.ts";
import { type Clause, comparisonsOf, conjunctsOf } from "./walk.ts";
import type { Comparison, Condition } from "../../model.ts";

interface Opening {
  readonly comparison: Comparison & Condition;
  readonly owner: Clause["owner"];
  /** The clause that it is in, free of `not`. */
  readonly clause: Condition;
}

/** Positive ones of `allow`, `redirect` and routes, negated ones of `deny` and `challenge`. */
export function* openings({ policies, clauses, routes, routeClauses }: Subject): Iterable<Opening> {
  for (const [i, owner] of policies.entries()) {
    if (!isFinal(owner)) continue;
    for (const comparison of comparisonsOf(clauses[i]!))
      if (comparison.negated === refuses(owner)) yield { comparison, owner, clause: clauses[i]! };
  }
  for (const [i, owner] of routes.entries())
    for (const comparison of comparisonsOf(routeClauses[i]!))
      if (!comparison.negated) yield { comparison, owner, clause: routeClauses[i]! };
}

/** Whether the clause bounds the fact by names as well, so that an open pattern cannot leave them. */
export function isBounded({ clause, comparison }: Opening): boolean {
  return conjunctsOf(clause).some(
    (one) =>
      one.kind === "comparison" &&
      one.fact === comparison.fact &&
      !one.negated &&
      (one.question.kind === "equals" || one.question.kind === "in-names" || one.question.kind === "under"),
  );
}

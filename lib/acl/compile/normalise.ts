/** Clauses in the form that the index reads: `when` and `require` as one condition, and no `not`. Not an optimisation of meaning. */
import type { Condition } from "../model.ts";

export type CompiledClause = Condition;

/** `when and require`, negations pushed to the comparisons. De Morgan's laws keep the order in which operands are reached. */
export function compileClause(when: Condition | undefined, require: Condition | undefined): CompiledClause {
  const parts = [when, require].filter((part) => part !== undefined).map((part) => push(part, false));
  if (parts.length === 1) return parts[0]!;
  return parts.length === 0 ? { kind: "constant", value: true, start: 0, end: 0 } : group("and", parts, parts[0]!);
}

function push(condition: Condition, negate: boolean): Condition {
  if (condition.kind === "comparison" && !negate) return condition;
  if (condition.kind === "not") return push(condition.item, !negate);
  if (condition.kind === "and" || condition.kind === "or") {
    const kind = negate === (condition.kind === "and") ? "or" : "and";
    return group(
      kind,
      condition.items.map((item) => push(item, negate)),
      condition,
    );
  }
  if (!negate) return condition;
  if (condition.kind === "constant") return { ...condition, value: !condition.value };
  // Each branch by itself, since a spread of the union loses which member it is.
  if (condition.kind === "defined") return { ...condition, negated: !condition.negated };
  return condition.kind === "comparison" ? { ...condition, negated: !condition.negated } : condition;
}

/** Nested groups of one kind are one: `(a and b) and c` is reached in the same order as `a and b and c`. */
function group(
  kind: "and" | "or",
  items: readonly Condition[],
  { start, end }: { start: number; end: number },
): Condition {
  return { kind, items: items.flatMap((item) => (item.kind === kind ? item.items : [item])), start, end };
}

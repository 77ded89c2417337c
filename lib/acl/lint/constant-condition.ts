/** `constant-condition`: a part of a condition that every request answers alike. */
import type { Condition } from "../model.ts";
import { operandRemoval, removal } from "./engine/edits.ts";
import type { Edit, Rule } from "./engine/finding.ts";
import { isNeverFalse } from "./engine/implies.ts";
import { isEmpty, isUniversal } from "./engine/relations.ts";
import type { Subject } from "./engine/subject.ts";
import { at, clausesOf, type Clause, partsOf, quoted } from "./engine/walk.ts";

export const rule: Rule = {
  id: "constant-condition",
  severity: "warning",
  summary: "A part of a condition is always true or always false",
  fixable: true,
  *check(subject) {
    for (const clause of clausesOf(subject)) {
      for (const part of partsOf(clause.condition)) {
        const always = constantOf(part);
        if (always === undefined) continue;
        const { place } = clause.owner;
        const fact = part.kind === "comparison" ? `, whatever "${part.fact}" is` : "";
        yield at(place, part, {
          message: `${quoted(subject, place, part)} is always ${always}${fact}`,
          hint: part.kind === "constant" ? "leave it out" : "compare with a value that says something",
          label: `always ${always}`,
          fix: part.kind === "constant" ? withoutConstant(subject, clause, part) : undefined,
        });
      }
    }
  },
};

function constantOf(part: Condition): boolean | undefined {
  if (part.kind === "constant") return part.value;
  if (part.kind === "comparison") return isUniversal(part) ? true : isEmpty(part) ? false : undefined;
  // Alternatives that leave nothing out, none of them by itself.
  if (part.kind !== "or" || part.items.some((item) => constantOf(item) !== undefined)) return undefined;
  return part.items.every((item) => item.kind === "comparison") && isNeverFalse(part) ? true : undefined;
}

/** `true` changes nothing among operands of `and`, `false` among those of `or`, and `true` not as a clause of its own. */
function withoutConstant(
  subject: Subject,
  { condition, owner }: Clause,
  part: Condition & { kind: "constant" },
): Edit | undefined {
  const text = subject.textOf(owner.place);
  const edit = part === condition ? withoutClause(subject, owner, part) : withoutOperand(text, condition, part);
  return edit === undefined || subject.hasComment(owner.place.file, edit) ? undefined : edit;
}

function withoutClause(
  subject: Subject,
  owner: Clause["owner"],
  part: Condition & { kind: "constant" },
): Edit | undefined {
  const clause = subject.block(owner).clauses.find(({ start, end }) => start <= part.start && end >= part.end);
  return part.value && clause !== undefined ? removal(subject.textOf(owner.place), clause) : undefined;
}

function withoutOperand(text: string, root: Condition, part: Condition & { kind: "constant" }): Edit | undefined {
  for (const group of partsOf(root)) {
    if (group.kind !== (part.value ? "and" : "or")) continue;
    const index = group.items.indexOf(part);
    if (index !== -1) return operandRemoval(text, group.items, index);
  }
  return undefined;
}

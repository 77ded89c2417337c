/** `redundant-condition`: an operand that another one of its group already says. */
import { parseIp } from "../../wire/ip.ts";
import type { Comparison, Condition } from "../model.ts";
import { operandRemoval, removal } from "./engine/edits.ts";
import type { Edit, Report, Rule } from "./engine/finding.ts";
import { covers } from "./engine/relations.ts";
import { keyOf } from "./engine/same.ts";
import type { Subject } from "./engine/subject.ts";
import { valuesOf } from "./engine/values.ts";
import { at, type Clause, clausesOf, partsOf, quoted } from "./engine/walk.ts";

/** Comparisons of one fact in one group that are compared with each other. */
const MAX_ALIKE = 40;

export const rule: Rule = {
  id: "redundant-condition",
  severity: "warning",
  summary: "A condition says what another one beside it already says",
  fixable: true,
  *check(subject) {
    for (const { owner, condition } of clausesOf(subject)) {
      for (const part of partsOf(condition))
        if (part.kind === "and" || part.kind === "or") yield* inGroup(part, owner, subject);
    }
    for (const policy of subject.policies) {
      const { when, require, place } = policy;
      if (when === undefined || require === undefined || keyOf(when) !== keyOf(require)) continue;
      const later = when.start < require.start ? require : when;
      const clause = subject.block(policy).clauses.find(({ start, end }) => start <= later.start && end >= later.end)!;
      const edit = removal(subject.textOf(place), clause);
      yield at(place, later, {
        message: `"when" and "require" say the same`,
        hint: "leave one of them out",
        label: "said before",
        fix: subject.hasComment(place.file, edit) ? undefined : edit,
      });
    }
  },
};

type Group = Extract<Condition, { kind: "and" | "or" }>;

function* inGroup(group: Group, owner: Clause["owner"], subject: Subject): Iterable<Report> {
  const seen = new Map<string, Condition>();
  const alike = new Map<string, (Comparison & Condition)[]>();
  for (const [i, item] of group.items.entries()) {
    const before = seen.get(keyOf(item));
    if (before !== undefined) {
      const edit = operandRemoval(subject.textOf(owner.place), group.items, i);
      yield at(owner.place, item, {
        message: `${quoted(subject, owner.place, item)} is said twice`,
        hint: "leave one of them out",
        label: "said before",
        fix: keep(subject, owner, edit),
      });
      continue;
    }
    seen.set(keyOf(item), item);
    const key = item.kind === "comparison" ? valuesOf(item)?.key : undefined;
    if (key !== undefined) alike.set(key, [...(alike.get(key) ?? []), item as Comparison & Condition]);
  }
  for (const items of alike.values()) yield* said(group.kind, items.slice(0, MAX_ALIKE), owner, subject);
}

const keep = (subject: Subject, { place }: Clause["owner"], edit: Edit | undefined): Edit | undefined =>
  edit === undefined || subject.hasComment(place.file, edit) ? undefined : edit;

/** Of two comparisons joined by `and` the wider one says nothing, of two joined by `or` the narrower one. */
function* said(
  kind: Group["kind"],
  items: readonly (Comparison & Condition)[],
  owner: Clause["owner"],
  subject: Subject,
): Iterable<Report> {
  for (const item of items) {
    const other = items.find((other) => {
      const [narrow, wide] = kind === "and" ? [other, item] : [item, other];
      return other !== item && covers(narrow, wide) && !(covers(wide, narrow) && other.start > item.start);
    });
    if (other === undefined || provesMore(item, other)) continue;
    yield at(owner.place, item, {
      message: `${quoted(subject, owner.place, item)} adds nothing to ${quoted(subject, owner.place, other)}`,
      hint: "leave it out, or say what was meant",
      label: kind === "and" ? "follows from the other" : "is part of the other",
    });
  }
}

/** The address guard counts comparisons: one that may open more than the other is not for nothing. */
function provesMore(item: Comparison, than: Comparison): boolean {
  return (proofOf(item, "at most") & ~proofOf(than, "at least")) !== 0;
}

const NAMED = 1;
const ADDRESSED = 2;

function proofOf({ fact, question, negated }: Comparison, how: "at most" | "at least"): number {
  if (negated) return 0;
  if (fact === "dest.ip") return ADDRESSED;
  if (fact !== "host" || question.kind === "matches") return 0;
  const names =
    question.kind === "equals" ? [String(question.value)] : question.kind === "in-names" ? question.set.names : [];
  const isLiteral = (name: string): boolean => parseIp(name) !== undefined;
  const addressed =
    how === "at most" ? (names?.some(isLiteral) ?? true) : names?.length !== 0 && names?.every(isLiteral);
  return addressed === true ? NAMED | ADDRESSED : NAMED;
}

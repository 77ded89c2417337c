/** What follows from a condition, by its form: sound and not complete. Conditions are free of `not` (compile/normalise.ts). */
import type { FactName } from "../../facts.ts";
import { type Comparison, type Condition, factsOf } from "../../model.ts";
import { intersect, isSubset, normalise } from "./intervals.ts";
import { covers, excludes, isEmpty, isUniversal } from "./relations.ts";
import { keyOf } from "./same.ts";
import { accepts, valuesOf } from "./values.ts";

/** Steps for one question; then the answer is "not shown". */
const MAX_STEPS = 4_000;
/** Names of one list that are looked at one by one. */
const MAX_NAMES = 100;

/** Whenever `a` is true, `b` is not false: it is true, or ends in a missing fact. */
export function implies(a: Condition, b: Condition): boolean {
  return follows(a, b, { steps: MAX_STEPS });
}

/** The condition is never true, whatever the facts. */
export function isNeverTrue(condition: Condition): boolean {
  return contradiction(condition) !== undefined;
}

/** Two parts of the condition that exclude each other, or one that is never true by itself; undefined if none is found. */
function contradiction(condition: Condition): readonly Condition[] | undefined {
  if (condition.kind === "constant") return condition.value ? undefined : [condition];
  if (condition.kind === "comparison") return isEmpty(condition) ? [condition] : undefined;
  if (condition.kind === "or") return condition.items.every(isNeverTrue) ? [condition] : undefined;
  if (condition.kind !== "and") return undefined;
  for (const item of condition.items) {
    const found = contradiction(item);
    if (found !== undefined) return found;
  }
  return clashAmong(condition.items);
}

/** The condition is never false: it is true, or ends in a missing fact. */
export function isNeverFalse(condition: Condition): boolean {
  if (condition.kind === "constant") return condition.value;
  if (condition.kind === "comparison") return isUniversal(condition);
  if (condition.kind === "and") return condition.items.every(isNeverFalse);
  if (condition.kind !== "or") return false;
  if (condition.items.some(isNeverFalse)) return true;
  const atoms = condition.items.filter(isAtom).slice(0, MAX_NAMES);
  return atoms.some((one, i) => atoms.some((other, j) => i !== j && implies(negation(one), other)));
}

type Atom = Extract<Condition, { kind: "comparison" | "defined" | "constant" }>;

const isAtom = (condition: Condition): condition is Atom => condition.kind !== "and" && condition.kind !== "or";

function negation(atom: Atom): Condition {
  if (atom.kind === "constant") return { ...atom, value: !atom.value };
  return atom.kind === "defined" ? { ...atom, negated: !atom.negated } : { ...atom, negated: !atom.negated };
}

interface Budget {
  steps: number;
}

function follows(a: Condition, b: Condition, budget: Budget): boolean {
  if (--budget.steps < 0) return false;
  if (a === b || keyOf(a) === keyOf(b)) return true;
  if (b.kind === "constant") return b.value;
  if (a.kind === "constant") return !a.value;
  if (b.kind === "and") return b.items.every((item) => follows(a, item, budget));
  if (a.kind === "or") return a.items.every((item) => follows(item, b, budget));
  if (b.kind === "or") {
    if (b.items.some((item) => follows(a, item, budget))) return true;
    if (a.kind === "comparison") return coveredTogether(a, b.items);
  } else if (a.kind !== "and") return atomFollows(a, b);
  if (a.kind !== "and") return false;
  return a.items.some((item) => follows(item, b, budget)) || narrowed(a.items, b);
}

function atomFollows(a: Condition, b: Condition): boolean {
  if (b.kind === "defined") {
    if (a.kind === "comparison") return !b.negated && factsOf(a).includes(stored(b.fact));
    return false;
  }
  return a.kind === "comparison" && b.kind === "comparison" && (covers(a, b) || isUniversal(b));
}

const stored = (fact: FactName): FactName => (fact === "time" || fact === "weekday" ? "now" : fact);

/** All comparisons of numbers in `items` about what `b` asks, taken together, say more than `b`. */
function narrowed(items: readonly Condition[], b: Condition): boolean {
  const goal = b.kind === "comparison" ? valuesOf(b) : undefined;
  if (goal?.kind !== "numbers") return false;
  let common = [goal.domain as { low: number; high: number }] as ReturnType<typeof intersect>;
  for (const item of items) {
    const values = item.kind === "comparison" ? valuesOf(item) : undefined;
    if (values?.kind === "numbers" && values.key === goal.key) common = intersect(common, values.list);
  }
  return isSubset(common, goal.list);
}

/** The numbers or the names of `a` are all accepted by the operands, though by no single one. */
function coveredTogether(a: Comparison, items: readonly Condition[]): boolean {
  const goal = valuesOf(a);
  const alike = items.filter(
    (item): item is Comparison & Condition => item.kind === "comparison" && valuesOf(item)?.key === goal?.key,
  );
  if (goal?.kind === "numbers") {
    const all = alike.flatMap((item) => numbersOf(item));
    return isSubset(goal.list, normalise(all, goal.domain));
  }
  if (goal?.kind !== "texts" || goal.negated || goal.texts.more) return false;
  const { whole, endings, beginnings, pieces } = goal.texts;
  if (whole.length > MAX_NAMES || endings.length + beginnings.length + pieces.length > 0) return false;
  return whole.every((name) => alike.some((item) => accepts(item, name) !== item.negated));
}

function numbersOf(comparison: Comparison): ReturnType<typeof intersect> {
  const values = valuesOf(comparison);
  return values?.kind === "numbers" ? [...values.list] : [];
}

/** Comparisons among the operands of an `and` that cannot be true together, each possible by itself; undefined if none are found. */
export function clashAmong(items: readonly Condition[]): readonly Condition[] | undefined {
  const atoms = items.filter(isAtom).filter((atom) => atom.kind !== "comparison" || !isEmpty(atom));
  const byKey = new Map<string, Comparison[]>();
  for (const atom of atoms) {
    const key = atom.kind === "comparison" ? valuesOf(atom)?.key : undefined;
    if (key !== undefined) byKey.set(key, [...(byKey.get(key) ?? []), atom as Comparison]);
  }
  for (const group of byKey.values()) {
    const found = clashOfAlike(group.slice(0, MAX_NAMES));
    if (found !== undefined) return found as readonly (Comparison & Condition)[];
  }
  const absent = new Map(atoms.flatMap((one) => (one.kind === "defined" && one.negated ? [[one.fact, one]] : [])));
  if (absent.size === 0) return undefined;
  for (const atom of atoms) {
    const reads = atom.kind === "defined" ? (atom.negated ? [] : [atom.fact]) : factsOf(atom);
    const clash = reads.find((fact) => absent.has(fact));
    if (clash !== undefined) return [absent.get(clash)!, atom];
  }
  return undefined;
}

function clashOfAlike(group: readonly Comparison[]): readonly Comparison[] | undefined {
  for (const [i, one] of group.entries()) {
    const other = group.slice(i + 1).find((later) => excludes(one, later));
    if (other !== undefined) return [one, other];
  }
  let common: ReturnType<typeof intersect> | undefined;
  for (const one of group) {
    const values = valuesOf(one);
    if (values?.kind !== "numbers") return undefined;
    common = common === undefined ? [...values.list] : intersect(common, values.list);
  }
  return common !== undefined && common.length === 0 ? group : undefined;
}

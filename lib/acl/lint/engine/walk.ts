/** Going through conditions and the values that were written, for rules. Judges nothing. */
import type { ListLiteral, StringLiteral, AddressLiteral, Comparison as Written, Expr } from "../../ast.ts";
import { lookupFact } from "../../facts.ts";
import type { CheckedPolicy, CheckedRoute, Comparison, Condition, Place } from "../../model.ts";
import { shorten } from "../../parser/cursor.ts";
import type { Report } from "./finding.ts";
import type { Subject } from "./subject.ts";

/** A condition of a policy or a route as it was written, with the block that it belongs to. */
export interface Clause {
  readonly condition: Condition;
  readonly owner: CheckedPolicy | CheckedRoute;
}

export function* clausesOf({ policies, routes }: Subject): Iterable<Clause> {
  for (const owner of policies) {
    if (owner.when !== undefined) yield { condition: owner.when, owner };
    if (owner.require !== undefined) yield { condition: owner.require, owner };
  }
  for (const owner of routes) if (owner.when !== undefined) yield { condition: owner.when, owner };
}

/** The condition and all its parts, outer ones first. */
export function* partsOf(condition: Condition): Iterable<Condition> {
  yield condition;
  if (condition.kind === "not") yield* partsOf(condition.item);
  else if (condition.kind === "and" || condition.kind === "or")
    for (const item of condition.items) yield* partsOf(item);
}

export function* comparisonsOf(condition: Condition): Iterable<Comparison & Condition> {
  for (const part of partsOf(condition)) if (part.kind === "comparison") yield part;
}

/** What must hold for the condition to hold. */
export const conjunctsOf = (condition: Condition): readonly Condition[] =>
  condition.kind === "and" ? condition.items : [condition];

/** A finding at a part of a clause. */
export function at(place: Place, { start, end }: Condition, rest: Omit<Report, "file" | "start" | "end">): Report {
  return { file: place.file, start, end, ...rest };
}

/** The text of a part, short; in quotes where it has none of its own. */
export function quoted(subject: Subject, place: Place, { start, end }: { start: number; end: number }): string {
  const short = shorten(subject.textOf(place).slice(start, Math.min(end, start + 400)));
  return short.includes('"') ? short : `"${short}"`;
}

/** A comparison as it was written, with the literal values on its right. */
interface WrittenComparison {
  readonly file: string;
  readonly comparison: Written;
}

export function* writtenComparisons({ files }: Subject): Iterable<WrittenComparison> {
  for (const { source, items } of files) {
    for (const item of items) {
      if (item.kind !== "policy" && item.kind !== "route") continue;
      for (const clause of item.clauses)
        if (clause.kind === "when" || clause.kind === "require")
          for (const comparison of comparisonsIn(clause.condition)) yield { file: source.name, comparison };
    }
  }
}

function* comparisonsIn(expr: Expr): Iterable<Written> {
  if (expr.kind === "comparison") yield expr;
  else if (expr.kind === "not") yield* comparisonsIn(expr.item);
  else if (expr.kind !== "defined") for (const item of expr.items) yield* comparisonsIn(item);
}

/** As what the entries of a list are read. */
export type Reading = "hosts" | "domains" | "texts" | "numbers" | "addresses";

interface WrittenList {
  readonly file: string;
  readonly list: ListLiteral;
  /** Other files may use it too. */
  readonly shared: boolean;
  /** All the ways in which it is read; a set that nothing uses has none. */
  readonly readings: ReadonlySet<Reading>;
}

/** Every list of the policy files, named sets included. */
export function writtenLists(subject: Subject): WrittenList[] {
  const found: WrittenList[] = [];
  const bySet = new Map<string, Set<Reading>>();
  for (const { file, comparison } of writtenComparisons(subject)) {
    const { right } = comparison;
    const reading = readingOf(comparison);
    if (reading === undefined) continue;
    if (right.kind === "list") found.push({ file, list: right, shared: false, readings: new Set([reading]) });
    else if (right.kind === "reference") bySet.set(right.name, (bySet.get(right.name) ?? new Set()).add(reading));
  }
  for (const { source, items } of subject.files) {
    for (const item of items) {
      if (item.kind !== "set" || item.value.kind !== "list") continue;
      const readings = bySet.get(item.name.text) ?? new Set();
      found.push({ file: source.name, list: item.value, shared: !subject.isEntry(source.name), readings });
    }
  }
  return found;
}

function readingOf({ left, operator, right }: Written): Reading | undefined {
  if (left.kind !== "reference") return undefined;
  const type = lookupFact(left.name)?.spec.type;
  if (operator.endsWith("under")) return "domains";
  if (!operator.endsWith("in")) return undefined;
  if (type === "host") return "hosts";
  if (type === "address") return "addresses";
  if (type === "number") return "numbers";
  if (type === "any" && right.kind === "list" && right.items[0]?.kind === "number") return "numbers";
  return type === "string" || type === "any" ? "texts" : undefined;
}

interface HostLiteral {
  readonly file: string;
  readonly literal: StringLiteral | AddressLiteral;
  /** It stands in a set that other files may use too. */
  readonly shared: boolean;
}

/** Every literal that is read as a host and as nothing else. */
export function* hostLiterals(subject: Subject): Iterable<HostLiteral> {
  for (const { file, comparison } of writtenComparisons(subject)) {
    const { left, right, operator } = comparison;
    const [fact, value] = left.kind === "reference" ? [left, right] : [right, left];
    if (fact.kind !== "reference" || lookupFact(fact.name)?.spec.type !== "host" || operator === "=~") continue;
    if (value.kind === "string") yield { file, literal: value, shared: false };
  }
  for (const { file, list, readings, shared } of writtenLists(subject)) {
    if (readings.size === 0 || ![...readings].every((one) => one === "hosts" || one === "domains")) continue;
    for (const literal of list.items) if (literal.kind === "string") yield { file, literal, shared };
  }
}

/** What the language means: a condition against facts, by the tree, without an index. The compiler must agree with this file. */
import { sameIp, type Ip } from "../wire/ip.ts";
import { testClock } from "./clock.ts";
import { type FactName, type Facts, type FactValue, storedFact } from "./facts.ts";
import type { Comparison, Condition } from "./model.ts";
import { hasNumber } from "./sets.ts";

/** Ways that an evaluation can end, as bits: with a pending fact there may be several. */
export const TRUE = 1;
export const FALSE = 2;
/** A fact was missing or of the wrong type. */
export const TROUBLE = 4;

/** The fact that is not known yet and will be: its comparisons may go either way. */
export const PENDING: FactName = "dest.ip";

/** Details of the first trouble that an evaluation met. One per caller, reused. */
export class Trouble {
  fact: FactName = "host";
  reason: "missing_fact" | "type_mismatch" = "missing_fact";

  missing(fact: FactName): number {
    this.fact = fact;
    this.reason = "missing_fact";
    return TROUBLE;
  }

  mistyped(fact: FactName): number {
    this.fact = fact;
    this.reason = "type_mismatch";
    return TROUBLE;
  }
}

/**
 * The ways in which the condition can end. Operands are taken in the order of the file and no further than needed.
 * With `pending`, `dest.ip` counts as known later; `plainly` makes patterns run as written.
 */
export function evaluate(
  condition: Condition,
  facts: Facts,
  pending: boolean,
  trouble: Trouble,
  plainly = false,
): number {
  switch (condition.kind) {
    case "comparison":
      return compare(condition, facts, pending, trouble, plainly);
    case "and":
    case "or": {
      const stop = condition.kind === "and" ? FALSE : TRUE;
      const go = condition.kind === "and" ? TRUE : FALSE;
      const { items } = condition;
      let ways = 0;
      for (let i = 0; i < items.length; i++) {
        const one = evaluate(items[i]!, facts, pending, trouble, plainly);
        ways |= one & (stop | TROUBLE);
        if ((one & go) === 0) return ways;
      }
      return ways | go;
    }
    case "not": {
      const ways = evaluate(condition.item, facts, pending, trouble, plainly);
      return (ways & TROUBLE) | ((ways & TRUE) << 1) | ((ways & FALSE) >> 1);
    }
    case "constant":
      return condition.value ? TRUE : FALSE;
    case "defined": {
      const known = factOf(facts, storedFact(condition.fact)) !== undefined || (pending && condition.fact === PENDING);
      return known !== condition.negated ? TRUE : FALSE;
    }
  }
}

/** Facts come in records of many shapes; one place reads them. */
export function factOf(facts: Facts, name: FactName): FactValue | undefined {
  return (facts as Readonly<Record<string, FactValue | undefined>>)[name];
}

function compare(comparison: Comparison, facts: Facts, pending: boolean, trouble: Trouble, plainly: boolean): number {
  const { question, negated } = comparison;
  const name = comparison.fact === "time" || comparison.fact === "weekday" ? "now" : comparison.fact;
  const value = factOf(facts, name);
  if (value === undefined) {
    if (!pending || name !== PENDING) return trouble.missing(name);
    // What the other side of the comparison lacks is still trouble.
    return question.kind === "equals-fact" && missingOther(question.other, facts)
      ? trouble.missing(question.other)
      : TRUE | FALSE;
  }
  let answer: boolean;
  switch (question.kind) {
    case "equals":
      if (!sameType(value, question.value)) return trouble.mistyped(name);
      answer = value === question.value;
      break;
    case "in-names":
      if (typeof value !== "string") return trouble.mistyped(name);
      answer = question.set.table.has(value);
      break;
    case "under":
      if (typeof value !== "string") return trouble.mistyped(name);
      answer = question.set.table.hasDomainOf(value);
      break;
    case "matches":
      if (typeof value !== "string") return trouble.mistyped(name);
      answer = plainly ? question.pattern.testPlainly(value) : question.pattern.test(value);
      break;
    case "in-addresses":
      if (!isIp(value)) return trouble.mistyped(name);
      answer = question.set.table.has(value);
      break;
    case "equals-address":
      if (!isIp(value)) return trouble.mistyped(name);
      answer = sameIp(value, question.value);
      break;
    case "order":
      if (typeof value !== "number") return trouble.mistyped(name);
      answer = ordered(question.sign, value, question.value);
      break;
    case "in-numbers":
      if (typeof value !== "number") return trouble.mistyped(name);
      answer = hasNumber(question.set, value);
      break;
    case "clock":
      if (typeof value !== "number") return trouble.mistyped(name);
      answer = testClock(question.test, value);
      break;
    case "holds":
      if (!isList(value)) return trouble.mistyped(name);
      answer = value.includes(question.value);
      break;
    case "held-by": {
      const list = factOf(facts, question.list);
      if (list === undefined) return trouble.missing(question.list);
      if (typeof value !== "string") return trouble.mistyped(name);
      if (!isList(list)) return trouble.mistyped(question.list);
      answer = list.includes(value);
      break;
    }
    case "equals-fact": {
      const other = factOf(facts, question.other);
      if (other === undefined)
        return pending && question.other === PENDING ? TRUE | FALSE : trouble.missing(question.other);
      if (isIp(value) && isIp(other)) answer = sameIp(value, other);
      else if (!sameType(value, other)) return trouble.mistyped(name);
      else answer = value === other;
      break;
    }
  }
  return answer !== negated ? TRUE : FALSE;
}

function missingOther(other: FactName, facts: Facts): boolean {
  return other !== PENDING && factOf(facts, other) === undefined;
}

function ordered(sign: "<" | "<=" | ">" | ">=", left: number, right: number | bigint): boolean {
  if (sign === "<") return left < right;
  if (sign === "<=") return left <= right;
  return sign === ">" ? left > right : left >= right;
}

const isIp = (value: FactValue): value is Ip => typeof value === "object" && "family" in value;
const isList = (value: FactValue): value is readonly string[] => Array.isArray(value);

/** Scalars of one type; a `bigint` literal is a number too. */
function sameType(x: FactValue, y: FactValue | bigint): boolean {
  if (typeof x === "object" || typeof y === "object") return false;
  return typeof x === typeof y || (typeof y === "bigint" && typeof x === "number");
}

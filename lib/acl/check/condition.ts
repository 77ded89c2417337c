/** Conditions of the syntax tree to typed conditions: facts looked up, literals read, patterns compiled. Not evaluation. */
import type { Comparison as Written, Expr, ListLiteral, Operand, Operator, StringLiteral } from "../ast.ts";
import { lookupFact } from "../facts.ts";
import type { Condition, Question } from "../model.ts";
import { clockQuestion, instantQuestion } from "./clock.ts";
import { constantOf } from "./constant.ts";
import type { Context } from "./context.ts";
import { hostLiteral, networkLiteral } from "./list.ts";
import { elementOf, membership, under } from "./membership.ts";
import { article, type FactOperand, factOperand, isText, mismatch, patternOf, type PlainOperator } from "./operand.ts";

/** Undefined when something was reported. */
export function checkCondition(expr: Expr, context: Context): Condition | undefined {
  const { start, end } = "whole" in expr ? expr.whole : expr;
  if (expr.kind === "and" || expr.kind === "or") {
    const items = expr.items.map((item) => checkCondition(item, context));
    return items.includes(undefined) ? undefined : { kind: expr.kind, items: items as Condition[], start, end };
  }
  if (expr.kind === "not") {
    const item = checkCondition(expr.item, context);
    return item && { kind: "not", item, start, end };
  }
  if (expr.kind === "defined") {
    const fact = context.fact(expr.fact.text, expr.fact);
    return fact && { kind: "defined", fact: fact.name, negated: false, start, end };
  }
  return expr.kind === "comparison" ? checkComparison(expr, context) : undefined;
}

function checkComparison(written: Written, context: Context): Condition | undefined {
  const negated = written.operator === "!=" || written.operator.startsWith("not ");
  const operator = plain(written.operator);
  const { start, end } = written;
  let { left, right } = written;
  if (operator === "==" && left.kind !== "reference" && right.kind === "reference") [left, right] = [right, left];
  if (left.kind !== "reference") {
    // `"ops" in client.ou`
    if (
      operator === "in" &&
      right.kind === "reference" &&
      lookupFact(right.name) !== undefined &&
      !context.sets.has(right.name)
    ) {
      return elementOf(written, left, right, negated, context);
    }
    const value = constantOf(left, operator, right, context);
    return value === undefined ? undefined : { kind: "constant", value: value !== negated, start, end };
  }
  const fact = factOperand(left, context);
  if (fact === undefined) return undefined;
  if (written.zone !== undefined && fact.type !== "clock" && fact.type !== "instant") {
    return context.error("acl.type_mismatch", written.zone, {
      message: `"${fact.name}" has no zone`,
      hint: "a zone goes with time, weekday and now",
    });
  }
  if (
    operator === "in" &&
    right.kind === "reference" &&
    !context.sets.has(right.name) &&
    lookupFact(right.name) !== undefined
  ) {
    const list = factOperand(right, context)!;
    if (list.type !== "strings" && list.type !== "any")
      return context.error("acl.type_mismatch", right, { message: `"${right.name}" is no list` });
    if (!isText(fact.type) && fact.type !== "any") return mismatch(fact, "a list of strings", context, right);
    return { kind: "comparison", fact: fact.name, question: { kind: "held-by", list: list.name }, negated, start, end };
  }
  const question = questionOf(fact, operator, right, written.zone, context);
  return question && { kind: "comparison", fact: fact.name, question, negated, start, end };
}

function questionOf(
  fact: FactOperand,
  operator: PlainOperator,
  right: Operand | ListLiteral,
  zone: StringLiteral | undefined,
  context: Context,
): Question | undefined {
  if (fact.type === "strings") {
    return context.error(operator === "==" ? "acl.list_comparison" : "acl.type_mismatch", fact.span, {
      message: `"${fact.name}" is a list and cannot stand left of "${operator}"`,
      hint: `write "x" in ${fact.name}`,
    });
  }
  if (fact.type === "clock") return clockQuestion(fact, operator, right, zone, context);
  if (fact.type === "instant") return instantQuestion(fact, operator, right, zone, context);
  switch (operator) {
    case "==":
      return equality(fact, right, context);
    case "=~":
      return match(fact, right, context);
    case "in":
      return membership(fact, right, context);
    case "under":
      return under(fact, right, context);
    default:
      return order(fact, operator, right, context);
  }
}

function equality(fact: FactOperand, right: Operand | ListLiteral, context: Context): Question | undefined {
  if (right.kind === "list")
    return context.error("acl.type_mismatch", right, {
      message: '"==" compares with one value',
      hint: 'use "in" for a list',
    });
  if (right.kind === "reference") {
    const other = factOperand(right, context);
    if (other === undefined) return undefined;
    if (other.type === "strings")
      return context.error("acl.list_comparison", right, {
        message: `"${other.name}" is a list`,
        hint: `write ${fact.name} in ${other.name}`,
      });
    const alike =
      fact.type === other.type || (isText(fact.type) && isText(other.type)) || [fact.type, other.type].includes("any");
    if (!alike || other.type === "clock")
      return mismatch(fact, `"${other.name}", which is ${article(other.type)}`, context, right);
    return { kind: "equals-fact", other: other.name };
  }
  if (fact.type === "address" && (right.kind === "address" || right.kind === "string")) {
    const network = networkLiteral(right.kind === "address" ? right.text : right.value, right, context);
    if (network === undefined) return undefined;
    if (network.length === 128) return { kind: "equals-address", value: network.base };
    return context.error("acl.type_mismatch", right, {
      message: "an address is compared with a network",
      hint: `write ${fact.name} in ${(right as { text?: string }).text ?? "it"}`,
    });
  }
  if (fact.type === "host" && (right.kind === "string" || right.kind === "address")) {
    const value = hostLiteral(right, context);
    return value === undefined ? undefined : { kind: "equals", value };
  }
  const wanted = fact.type === "host" ? "string" : fact.type;
  if (right.kind === "address" || (wanted !== "any" && wanted !== right.kind))
    return mismatch(fact, article(right.kind), context, right);
  return { kind: "equals", value: right.value };
}

function order(
  fact: FactOperand,
  sign: "<" | "<=" | ">" | ">=",
  right: Operand | ListLiteral,
  context: Context,
): Question | undefined {
  if (right.kind !== "number")
    return context.error("acl.type_mismatch", right, {
      message: `"${sign}" needs a number on its right`,
      label: article(right.kind),
    });
  if (fact.type !== "number" && fact.type !== "any") return mismatch(fact, "a number", context, right);
  return { kind: "order", sign, value: right.value };
}

function match(fact: FactOperand, right: Operand | ListLiteral, context: Context): Question | undefined {
  if (right.kind !== "string")
    return context.error("acl.type_mismatch", right, {
      message: '"=~" needs a pattern in double quotes',
      label: article(right.kind),
    });
  if (!isText(fact.type) && fact.type !== "any") return mismatch(fact, "a pattern", context, right);
  const pattern = patternOf(right, context);
  return pattern && { kind: "matches", pattern };
}

const plain = (operator: Operator): PlainOperator =>
  operator === "!=" ? "==" : operator === "not in" ? "in" : operator === "not under" ? "under" : operator;

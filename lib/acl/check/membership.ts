/** The right-hand sides of `in` and `under`, by the type of the fact on the left. Not evaluation. */
import { parseIp } from "../../wire/ip.ts";
import type { Comparison as Written, ListLiteral, Literal, Operand } from "../ast.ts";
import type { Span } from "../diagnostic.ts";
import type { Condition, Question } from "../model.ts";
import { addressSet, nameSet } from "../sets.ts";
import type { Context } from "./context.ts";
import { addressesOf, hostLiteral, hostsOf, networkLiteral, numbersOf, textsOf } from "./list.ts";
import { article, type FactOperand, factOperand, isText, mismatch, namedSet } from "./operand.ts";

export function membership(fact: FactOperand, right: Operand | ListLiteral, context: Context): Question | undefined {
  if (right.kind === "address" && fact.type === "address") {
    const network = networkLiteral(right.text, right, context);
    return network && { kind: "in-addresses", set: addressSet([network]) };
  }
  const named = right.kind === "reference" ? namedSet(right.name, right, context) : undefined;
  if (right.kind === "reference" && named === undefined) return undefined;
  if (named === undefined && right.kind !== "list")
    return context.error("acl.type_mismatch", right, {
      message: '"in" needs a list, a set or a network',
      hint: 'put the value in brackets, or use "=="',
    });
  const list = right as ListLiteral;
  const numeric =
    fact.type === "number" || (fact.type === "any" && named === undefined && list.items[0]?.kind === "number");
  if (fact.type === "address") {
    const set = named ? named.addresses() : addressesOf(list, context);
    return set && { kind: "in-addresses", set };
  }
  if (numeric) {
    const set = named ? named.numbers() : numbersOf(list, context);
    if (set === undefined && named) return mismatch(fact, "a set of a file", context, right);
    return set && { kind: "in-numbers", set };
  }
  if (!isText(fact.type) && fact.type !== "any") return mismatch(fact, "a list", context, right);
  const set =
    fact.type === "host"
      ? named
        ? named.hosts()
        : hostsOf(list, context)
      : named
        ? named.texts()
        : textsOf(list, context);
  return set && { kind: "in-names", set };
}

export function under(fact: FactOperand, right: Operand | ListLiteral, context: Context): Question | undefined {
  if (fact.type !== "host")
    return context.error("acl.type_mismatch", fact.span, {
      message: `"under" needs a host on its left, and "${fact.name}" is ${article(fact.type)}`,
    });
  if (right.kind === "string") {
    const name = hostLiteral(right, context);
    if (name !== undefined && parseIp(name) !== undefined)
      return context.error("acl.type_mismatch", right, { message: "an address has no subdomains", hint: 'use "=="' });
    return name === undefined ? undefined : { kind: "under", set: nameSet([name]) };
  }
  const named = right.kind === "reference" ? namedSet(right.name, right, context) : undefined;
  if (right.kind === "reference" && named === undefined) return undefined;
  if (named === undefined && right.kind !== "list")
    return context.error("acl.type_mismatch", right, {
      message: '"under" needs a domain, a list or a set',
      label: article(right.kind),
    });
  const set = named ? named.hosts() : hostsOf(right as ListLiteral, context);
  return set && { kind: "under", set };
}

/** `"ops" in client.ou`. */
export function elementOf(
  written: Written,
  left: Literal,
  right: { name: string } & Span,
  negated: boolean,
  context: Context,
): Condition | undefined {
  const list = factOperand(right, context);
  if (list === undefined) return undefined;
  const { start, end } = written;
  if (list.type !== "strings" && list.type !== "any")
    return context.error("acl.type_mismatch", right, {
      message: `"${list.name}" is no list`,
      hint: isText(list.type) ? `write ${list.name} == …` : undefined,
    });
  if (left.kind !== "string")
    return context.error("acl.type_mismatch", left, {
      message: `"${list.name}" holds strings`,
      label: article(left.kind),
    });
  return { kind: "comparison", fact: list.name, question: { kind: "holds", value: left.value }, negated, start, end };
}

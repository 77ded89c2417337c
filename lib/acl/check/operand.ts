/** What the checks of comparisons share: operands that are facts, names of types, patterns. Not the operators. */
import { nearest } from "../../command/nearest.ts";
import type { Operator, StringLiteral } from "../ast.ts";
import type { Span } from "../diagnostic.ts";
import { type FactName, type FactType, lookupFact } from "../facts.ts";
import { shorten } from "../parser/cursor.ts";
import { Pattern } from "../pattern/pattern.ts";
import type { Context } from "./context.ts";
import type { NamedSet } from "./named-set.ts";

/** An operator without its negation. */
export type PlainOperator = Exclude<Operator, "!=" | "not in" | "not under">;

/** An operand that is a fact. */
export interface FactOperand {
  readonly name: FactName;
  readonly type: FactType;
  readonly span: Span;
}

/** The compiled pattern; escapes are refused, since a reader could not tell which of the two languages they belong to. */
export function patternOf(text: StringLiteral, context: Context): Pattern | undefined {
  if (text.escaped)
    return context.error("acl.bad_pattern", text, {
      message: 'a pattern is written as "…", not e"…"',
      hint: "write \\x22 for a double quote",
    });
  const { pattern, ...trouble } = Pattern.compile(text.value);
  if (pattern !== undefined) return pattern;
  const { error, hint } = trouble as { error: string; hint?: string };
  return context.error("acl.bad_pattern", text, { message: `bad pattern: ${shorten(error)}`, hint });
}

export function namedSet(name: string, span: Span, context: Context): NamedSet | undefined {
  const set = context.sets.get(name);
  if (set !== undefined) return set;
  if (lookupFact(name) !== undefined)
    return context.error("acl.type_mismatch", span, { message: `"${shorten(name)}" is a fact, not a set or a list` });
  const guess = nearest(name, context.sets.keys());
  const hint = guess === undefined ? 'define it: set NAME = ["…"]' : `did you mean "${guess}"?`;
  return context.error("acl.unknown_set", span, { message: `unknown set "${shorten(name)}"`, hint });
}

export function factOperand(reference: { name: string } & Span, context: Context): FactOperand | undefined {
  const found = context.fact(reference.name, reference);
  return found && { name: found.name, type: found.spec.type, span: reference };
}

export function mismatch(fact: FactOperand, other: string, context: Context, span: Span): undefined {
  return context.error("acl.type_mismatch", span, {
    message: `"${fact.name}" is ${article(fact.type)}, and is compared with ${other}`,
  });
}

export function article(type: string): string {
  if (type === "strings") return "a list";
  if (type === "host") return "a host name";
  if (type === "instant") return "a point in time";
  if (type === "reference") return "a name";
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

export const isText = (type: FactType): boolean => type === "string" || type === "host";

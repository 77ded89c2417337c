/** Comparisons of two literals, such as `true == true`: decided at load. */
import type { ListLiteral, Literal, Operand } from "../ast.ts";
import { canonicalHost } from "../../wire/host.ts";
import { cidrContains, parseCidr, parseIp, sameIp } from "../../wire/ip.ts";
import { shorten } from "../parser/cursor.ts";
import { hasNumber } from "../sets.ts";
import { article, type PlainOperator, patternOf } from "./operand.ts";
import type { Context } from "./context.ts";
import { addressesOf, numbersOf, textsOf } from "./list.ts";

/** The answer for a plain operator (without its negation), or undefined when something was reported. */
export function constantOf(
  left: Literal,
  operator: PlainOperator,
  right: Operand | ListLiteral,
  context: Context,
): boolean | undefined {
  if (right.kind === "reference") {
    return context.error("acl.type_mismatch", left, {
      message: `a value cannot stand left of "${operator}" with a name on the right`,
      hint: `write ${shorten(right.name)} first`,
    });
  }
  if (operator === "==" && left.kind === right.kind && left.kind !== "address")
    return left.value === (right as typeof left).value;
  if (operator === "==" && left.kind === "address" && right.kind === "address") {
    const [x, y] = [parseIp(left.text), parseIp(right.text)];
    if (x !== undefined && y !== undefined) return sameIp(x, y);
  }
  if (left.kind === "number" && right.kind === "number") {
    if (operator === "<") return left.value < right.value;
    if (operator === "<=") return left.value <= right.value;
    if (operator === ">") return left.value > right.value;
    if (operator === ">=") return left.value >= right.value;
  }
  if (operator === "=~" && left.kind === "string" && right.kind === "string")
    return patternOf(right, context)?.test(left.value);
  if (operator === "in" && right.kind === "list") return inList(left, right, context);
  if (operator === "under" && left.kind === "string" && right.kind === "string")
    return isUnder(left.value, right.value);
  if (operator === "in" && left.kind === "address" && right.kind === "address") {
    const [ip, network] = [parseIp(left.text), parseCidr(right.text)];
    if (ip !== undefined && network !== undefined) return cidrContains(network, ip);
  }
  return context.error("acl.type_mismatch", right, {
    message: `${article(left.kind)} is compared with ${article(right.kind)} by "${operator}"`,
  });
}

function inList(left: Literal, right: ListLiteral, context: Context): boolean | undefined {
  if (left.kind === "string") return textsOf(right, context)?.table.has(left.value);
  if (left.kind === "boolean") return context.error("acl.type_mismatch", left, { message: "a boolean is in no list" });
  if (left.kind === "number") {
    const set = numbersOf(right, context);
    return set && hasNumber(set, left.value);
  }
  const ip = parseIp(left.text);
  if (ip === undefined) return context.error("acl.type_mismatch", left, { message: "a network is in no list" });
  return addressesOf(right, context)?.table.has(ip);
}

function isUnder(name: string, domain: string): boolean {
  const [x, y] = [canonicalHost(name).host, canonicalHost(domain).host];
  return x !== undefined && y !== undefined && (x === y || x.endsWith(`.${y}`));
}

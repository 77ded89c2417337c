/** Conditions and values as text: flat where they fit, an operand or an entry a line where they do not. */
import type { Comparison, Expr, ListLiteral, Literal, Operand } from "../ast.ts";
import type { Writer } from "./writer.ts";

export const WIDTH = 100;

/** Mixed `and` and `or`, and what `not` applies to, get parentheses that the grammar does not ask for. */
export function printExpr(expr: Expr, writer: Writer): void {
  const flat = flatExpr(expr, writer.room(WIDTH));
  if (flat !== undefined && !writer.hasComment(expr.start, expr.end)) return writer.write(flat, expr.start, expr.end);
  if (expr.kind === "and" || expr.kind === "or") return printGroup(expr.kind, expr.items, writer);
  if (expr.kind === "not") {
    writer.write("not", expr.start, expr.start + 3);
    writer.space();
    return expr.item.kind === "defined" ? printExpr(expr.item, writer) : inParentheses(expr.item, writer);
  }
  if (expr.kind === "comparison") return printComparison(expr, writer);
  if (expr.kind !== "defined") return;
  writer.write("defined", expr.start, expr.start + 7);
  writer.space();
  writer.write(expr.fact.text, expr.fact.start, expr.fact.end);
}

/** The first operand, and each further one on a line of its own behind its operator. */
function printGroup(kind: "and" | "or", items: readonly Expr[], writer: Writer): void {
  const one = (item: Expr) =>
    item.kind === "and" || item.kind === "or" ? inParentheses(item, writer) : printExpr(item, writer);
  one(items[0]!);
  writer.indented(() => {
    for (const item of items.slice(1)) {
      writer.newline();
      writer.write(kind);
      writer.space();
      one(item);
    }
  });
}

function inParentheses(expr: Expr, writer: Writer): void {
  writer.write("(");
  const flat = flatExpr(expr, writer.room(WIDTH) - 1);
  if (flat !== undefined && !writer.hasComment(expr.start, expr.end)) writer.write(flat, expr.start, expr.end);
  else {
    writer.newline();
    writer.indented(() => printExpr(expr, writer));
    writer.newline();
  }
  writer.write(")");
}

function printComparison({ left, operator, right, zone }: Comparison, writer: Writer): void {
  writer.write(printValue(left), left.start, left.end);
  writer.space();
  writer.write(operator);
  writer.space();
  if (right.kind === "list") printList(right, writer);
  else writer.write(printValue(right, operator === "=~"), right.start, right.end);
  if (zone === undefined) return;
  writer.space();
  writer.write("zone");
  writer.space();
  writer.write(printValue(zone), zone.start, zone.end);
}

export function printList(list: ListLiteral, writer: Writer): void {
  const flat = flatList(list, writer.room(WIDTH));
  if (flat !== undefined && !writer.hasComment(list.start, list.end)) return writer.write(flat, list.start, list.end);
  writer.write("[", list.start, list.start + 1);
  writer.indented(() => {
    for (const item of list.items) {
      writer.newline();
      writer.write(`${printItem(item)},`, item.start, item.end);
    }
    writer.newline();
    writer.comments(list.end);
  });
  writer.newline();
  writer.write("]", list.end - 1, list.end);
}

/** The text on one line, or undefined if it is longer than `room`. */
function flatExpr(expr: Expr, room: number): string | undefined {
  // A chain of a thousand operands is not worth printing to find that it does not fit.
  const text = flat(expr, room);
  return text.length <= room && !text.includes("\n") ? text : undefined;
}

function flat(expr: Expr, room: number): string {
  if (expr.kind === "defined") return `defined ${expr.fact.text}`;
  if (expr.kind === "not")
    return expr.item.kind === "defined" ? `not ${flat(expr.item, room)}` : `not (${flat(expr.item, room)})`;
  if (expr.kind === "comparison") {
    const right =
      expr.right.kind === "list" ? flatItems(expr.right, room) : printValue(expr.right, expr.operator === "=~");
    const zone = expr.zone === undefined ? "" : ` zone ${printValue(expr.zone)}`;
    return `${printValue(expr.left)} ${expr.operator} ${right}${zone}`;
  }
  let text = "";
  for (const item of expr.items) {
    if (text.length > room) return text;
    const one = flat(item, room);
    text += `${text === "" ? "" : ` ${expr.kind} `}${item.kind === "and" || item.kind === "or" ? `(${one})` : one}`;
  }
  return text;
}

export function flatList(list: ListLiteral, room: number): string | undefined {
  const text = flatItems(list, room);
  return text.length <= room && !text.includes("\n") ? text : undefined;
}

/** The list on one line; cut short once it is longer than `room`. */
function flatItems(list: ListLiteral, room: number): string {
  let text = "[";
  for (const [i, item] of list.items.entries()) {
    if (text.length > room) return text;
    text += (i > 0 ? ", " : "") + printItem(item);
  }
  return `${text}]`;
}

function printItem(item: ListLiteral["items"][number]): string {
  return item.kind === "range" ? `${item.low}-${item.high}` : printValue(item);
}

/** A value or a name. A pattern has no escapes and is printed as it is. */
export function printValue(value: Operand | Literal, pattern = false): string {
  if (value.kind === "reference") return value.name;
  if (value.kind === "address") return value.text;
  if (value.kind !== "string") return String(value.value);
  return pattern && !value.escaped ? `"${value.value}"` : quote(value.value);
}

function quote(text: string): string {
  if (!/["\p{Cc}]/u.test(text)) return `"${text}"`;
  const escaped = text.replace(/["\\\p{Cc}]/gu, (char) => ESCAPES[char] ?? `\\u{${char.codePointAt(0)!.toString(16)}}`);
  return `e"${escaped}"`;
}

const ESCAPES: Readonly<Record<string, string>> = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Conditions: `or`, `and`, `not`, comparisons and their operands. Not types: check/condition.ts knows those. */
import type { Comparison, Expr, ListLiteral, NumberLiteral, Operand, Operator, StringLiteral } from "../ast.ts";
import { lookupFact } from "../facts.ts";
import { parseCidrLoosely } from "../../wire/ip.ts";
import { type Cursor, isDotted, shorten } from "./cursor.ts";

/** Parentheses and `not` may nest this deep; chains of `and` and `or` have no limit. */
const MAX_DEPTH = 200;

/** `when { … }` or `when …`. */
export function parseCondition(cursor: Cursor): Expr {
  if (!cursor.acceptPunct("{")) return parseOr(cursor, 0);
  const condition = parseOr(cursor, 0);
  cursor.expectPunct("}", "after the condition");
  return condition;
}

function parseOr(cursor: Cursor, depth: number): Expr {
  return parseChain(cursor, "or", () => parseChain(cursor, "and", () => parseNot(cursor, depth)));
}

function parseChain(cursor: Cursor, kind: "and" | "or", operand: () => Expr): Expr {
  const { start } = cursor.lex;
  const first = operand();
  if (!cursor.acceptGlued(kind)) return first;
  const items = [first, operand()];
  while (cursor.acceptGlued(kind)) items.push(operand());
  const whole = { start, end: cursor.lex.previousEnd };
  return { kind, items, start: first.start, end: items.at(-1)!.end, whole };
}

function parseNot(cursor: Cursor, depth: number): Expr {
  const { start } = cursor.lex;
  if (depth > MAX_DEPTH) {
    cursor.fail("acl.too_deep", cursor.lex.span, { message: `parentheses and "not" nest more than ${MAX_DEPTH} deep` });
  }
  if (startsNot(cursor) && cursor.acceptGlued("not")) {
    const item = parseNot(cursor, depth + 1);
    return { kind: "not", item, start, end: item.end, whole: { start, end: cursor.lex.previousEnd } };
  }
  if (cursor.acceptPunct("(")) {
    const inner = parseOr(cursor, depth + 1);
    cursor.expectPunct(")", "after the expression");
    return inner;
  }
  if (cursor.isWord("defined") && !isOperatorNext(cursor)) {
    cursor.lex.advance();
    const fact = cursor.dottedName("name of a fact");
    return { kind: "defined", fact, start, end: fact.end };
  }
  return parseComparison(cursor);
}

/** `not` itself, or glued to what would be a fact, a number or a boolean without it. */
function startsNot({ lex }: Cursor): boolean {
  if (lex.kind !== "word" || !lex.text.startsWith("not")) return false;
  const rest = lex.text.slice(3);
  return (
    rest === "" ||
    lookupFact(rest) !== undefined ||
    rest === "true" ||
    rest === "false" ||
    isInteger(rest) ||
    rest === "defined"
  );
}

function isOperatorNext(cursor: Cursor): boolean {
  const code = cursor.lex.peekCode();
  return code === 0x3d || code === 0x21 || code === 0x3c || code === 0x3e; // = ! < >
}

function parseComparison(cursor: Cursor): Comparison {
  const left = parseOperand(cursor);
  const operator = parseOperator(cursor, left);
  const right = cursor.isPunct("[") ? parseList(cursor) : parseOperand(cursor);
  const zone = cursor.acceptWord("zone") ? cursor.string("a zone") : undefined;
  const end = (zone ?? right).end;
  return { kind: "comparison", left, operator, right, ...(zone === undefined ? {} : { zone }), start: left.start, end };
}

function parseOperator(cursor: Cursor, left: Operand): Operator {
  const { lex } = cursor;
  if (lex.kind === "punct" && PUNCTUATION.has(lex.text)) {
    const operator = lex.text as Operator;
    lex.advance();
    return operator;
  }
  if (cursor.acceptGlued("in")) return "in";
  if (cursor.acceptWord("under")) return "under";
  if (cursor.acceptWord("not")) {
    if (cursor.acceptWord("in")) return "not in";
    if (cursor.acceptWord("under")) return "not under";
    cursor.expected('"in" or "under" after "not"');
  }
  const bare = left.kind === "reference" ? `write "${left.name} == true" to test a boolean` : undefined;
  cursor.expected("a comparison (== != < <= > >= =~ in under)", cursor.isPunct("=") ? 'equality is "=="' : bare);
}

const PUNCTUATION: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">=", "=~"]);

/** A value or the name of a fact or set. */
export function parseOperand(cursor: Cursor): Operand {
  if (cursor.lex.kind === "string") return cursor.string("a value");
  if (cursor.lex.kind !== "word") cursor.expected("a fact or a value");
  unglue(cursor);
  const { text, start, end, span } = cursor.lex;
  if (text === "true" || text === "false") {
    cursor.lex.advance();
    return { kind: "boolean", value: text === "true", start, end };
  }
  if (isInteger(text)) return parseNumber(cursor);
  if (looksLikeAddress(text)) {
    if (parseCidrLoosely(text) === undefined)
      cursor.fail("acl.bad_address", span, { message: `"${shorten(text)}" is neither an address nor a network` });
    cursor.lex.advance();
    return { kind: "address", text, start, end };
  }
  if (!isDotted(text)) cursor.fail("acl.syntax", span, { message: `"${shorten(text)}" is neither a fact nor a value` });
  cursor.lex.advance();
  return { kind: "reference", name: text, start, end };
}

/** `443and` and `trueor`: a literal of a file written without word boundaries. */
function unglue({ lex }: Cursor): void {
  const glued = /^(true|false|-?[0-9]+)(and|or|when|require|action|use)/.exec(lex.text.slice(0, 40));
  if (glued !== null && lookupFact(lex.text) === undefined) lex.split(glued[1]!.length);
}

function parseNumber(cursor: Cursor): NumberLiteral {
  const { text, start, end, span } = cursor.lex;
  const exact = text.length > 25 ? LIMIT : BigInt(text);
  if (exact >= LIMIT || exact <= -LIMIT) {
    cursor.fail("acl.number_range", span, { message: `the number "${shorten(text)}" does not fit 64 bits` });
  }
  cursor.lex.advance();
  const value = Number(exact);
  return { kind: "number", value: Number.isSafeInteger(value) ? value : exact, start, end };
}

const LIMIT = 2n ** 63n;

/** `[a, b,]`. */
export function parseList(cursor: Cursor): ListLiteral {
  const { start } = cursor.lex;
  cursor.expectPunct("[", "before the list");
  const items: ListLiteral["items"][number][] = [];
  while (!cursor.isPunct("]")) {
    items.push(parseListItem(cursor));
    if (!cursor.acceptPunct(",")) break;
  }
  const { end } = cursor.lex;
  cursor.expectPunct("]", "after the list");
  return { kind: "list", items, start, end };
}

function parseListItem(cursor: Cursor): ListLiteral["items"][number] {
  const { lex } = cursor;
  if (lex.kind === "string") return cursor.string("a value");
  const range = lex.kind === "word" ? /^([0-9]{1,15})-([0-9]{1,15})$/.exec(lex.text) : null;
  if (range !== null) {
    const { start, end, span } = lex;
    const [low, high] = [Number(range[1]), Number(range[2])];
    if (low > high)
      cursor.fail("acl.number_range", span, {
        message: `the range ${lex.text} is empty`,
        hint: `write ${high}-${low}`,
      });
    lex.advance();
    return { kind: "range", low, high, start, end };
  }
  const item = parseOperand(cursor);
  if (item.kind === "string" || item.kind === "number" || item.kind === "address") return item;
  cursor.fail("acl.syntax", item, {
    message: `a list holds strings, numbers, ranges and addresses`,
    hint: "put names in double quotes",
  });
}

/** Strings of a `use` clause and the like. */
export function parseStrings(cursor: Cursor, what: string): StringLiteral[] {
  return parseList(cursor).items.map((item) =>
    item.kind === "string"
      ? item
      : cursor.fail("acl.syntax", item, { message: `${what} is a string`, hint: "put it in double quotes" }),
  );
}

const isInteger = (text: string): boolean => /^-?[0-9]+$/.test(text);

const looksLikeAddress = (text: string): boolean => text.includes(":") || /^[0-9]+(\.[0-9]+)+(\/|$)/.test(text);

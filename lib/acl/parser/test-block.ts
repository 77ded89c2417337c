/** `test` blocks: facts given and what is expected of them. They are read here and run elsewhere. */
import type { Binding, Expectation, ListLiteral, Literal, Name, StringLiteral, TestBlock, TestCase } from "../ast.ts";
import { nearest } from "../../command/nearest.ts";
import { type Cursor, shorten } from "./cursor.ts";
import { parseList, parseOperand, parseStrings } from "./expression.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export function parseTest(cursor: Cursor): TestBlock {
  const { start } = cursor.lex;
  cursor.lex.advance();
  const name = cursor.string("a name for the test");
  cursor.expectPunct("{", "after the test's name");
  let given: Binding[] | undefined;
  const cases: TestCase[] = [];
  let expect: Expectation | undefined;
  while (!cursor.isPunct("}")) {
    if (cursor.lex.kind === "end" || cursor.atBlock()) {
      cursor.diagnostics.error("acl.syntax", cursor.source, name, {
        message: `the test has no closing "}"`,
        label: "opened here",
      });
      break;
    }
    cursor.recover(() => {
      if (cursor.isWord("given")) {
        if (given !== undefined) duplicate(cursor, "given");
        cursor.lex.advance();
        given = [...(given ?? []), ...parseBindings(cursor)];
      } else if (cursor.isWord("case")) cases.push(parseCase(cursor));
      else if (cursor.isWord("expect")) {
        if (expect !== undefined) duplicate(cursor, "expect");
        expect = parseExpectation(cursor);
      } else {
        const { span } = cursor.lex;
        const found = cursor.found();
        cursor.lex.advance();
        cursor.fail("acl.syntax", span, { message: `expected "given", "expect", "case" or "}", found ${found}` });
      }
    });
  }
  const end = cursor.isPunct("}") ? cursor.lex.end : cursor.lex.previousEnd;
  cursor.acceptPunct("}");
  if (expect === undefined && cases.length === 0) {
    cursor.diagnostics.error("acl.missing_expectation", cursor.source, name, {
      message: `the test ${JSON.stringify(shorten(name.value))} expects nothing`,
      hint: 'add "expect allow" or "expect deny"',
    });
  }
  return { kind: "test", name, given: given ?? [], ...(expect === undefined ? {} : { expect }), cases, start, end };
}

function duplicate(cursor: Cursor, keyword: string): void {
  cursor.diagnostics.error("acl.duplicate_clause", cursor.source, cursor.lex.span, {
    message: `a second "${keyword}" in one test`,
    hint: keyword === "expect" ? 'use "case" for more' : "put all facts in one",
  });
}

/** `case "name"? { fact = value … } expect …`. */
function parseCase(cursor: Cursor): TestCase {
  const { start } = cursor.lex;
  cursor.lex.advance();
  const name = cursor.lex.kind === "string" ? cursor.string("a name") : undefined;
  const given = parseBindings(cursor);
  if (!cursor.isWord("expect")) cursor.expected('"expect" after the facts of the case');
  const expect = parseExpectation(cursor);
  return { ...(name === undefined ? {} : { name }), given, expect, start, end: expect.end };
}

function parseBindings(cursor: Cursor): Binding[] {
  cursor.expectPunct("{", "before the facts");
  const bindings: Binding[] = [];
  while (!cursor.isPunct("}")) {
    if (cursor.lex.kind === "end" || cursor.atBlock()) cursor.expected('"}" after the facts');
    const name = cursor.dottedName("name of a fact");
    cursor.expectPunct("=", "after the fact's name");
    const value = parseValue(cursor);
    bindings.push({ name, value, start: name.start, end: value.end });
    cursor.acceptPunct(",");
  }
  cursor.lex.advance();
  return bindings;
}

function parseValue(cursor: Cursor): Literal | ListLiteral {
  if (cursor.isPunct("[")) return parseList(cursor);
  const value = parseOperand(cursor);
  if (value.kind !== "reference") return value;
  cursor.fail("acl.syntax", value, {
    message: `"${shorten(value.name)}" is no value`,
    hint: `write "${shorten(value.name)}" in double quotes`,
  });
}

const OUTCOMES = ["allow", "deny", "redirect", "challenge"] as const;

/** `expect allow by NAME via ["b"]`, `expect redirect to "target"`, `expect deny missing FACT explain "template"`. */
function parseExpectation(cursor: Cursor): Expectation {
  const { start } = cursor.lex;
  cursor.lex.advance();
  const outcome = OUTCOMES.find((word) => cursor.acceptWord(word));
  if (outcome === undefined) {
    const guess = cursor.lex.kind === "word" ? nearest(cursor.lex.text, OUTCOMES) : undefined;
    cursor.expected(
      `an outcome (${OUTCOMES.join(", ")})`,
      guess === undefined ? undefined : `did you mean "${guess}"?`,
    );
  }
  const more: Partial<
    Writable<{
      by: Name;
      to: StringLiteral;
      via: StringLiteral[];
      explain: StringLiteral;
      missing: Name;
      logged: Name[];
    }>
  > = {};
  for (;;) {
    if (cursor.acceptWord("by")) more.by = cursor.name("name of a policy");
    else if (cursor.acceptWord("to")) more.to = cursor.string("the target");
    else if (cursor.acceptWord("via")) more.via = parseStrings(cursor, "a backend");
    else if (cursor.acceptWord("explain")) more.explain = cursor.string("the template");
    else if (cursor.acceptWord("missing")) more.missing = cursor.dottedName("name of a fact");
    else if (cursor.acceptWord("logged")) more.logged = parseNames(cursor);
    else return { outcome, ...more, start, end: cursor.lex.previousEnd };
  }
}

function parseNames(cursor: Cursor): Name[] {
  cursor.expectPunct("[", "before the policies");
  const names: Name[] = [];
  while (!cursor.isPunct("]")) {
    names.push(cursor.name("name of a policy"));
    if (!cursor.acceptPunct(",")) break;
  }
  cursor.expectPunct("]", "after the policies");
  return names;
}

/** Policy text to syntax tree, with every mistake it can find. Not names, types or included files. */
import type { Action, ActionClause, ConditionClause, File, Item, Name, UseClause } from "../ast.ts";
import type { Diagnostics } from "../diagnostic.ts";
import { nearest } from "../../command/nearest.ts";
import type { Source } from "../source.ts";
import { BLOCK_KEYWORDS, Cursor, shorten } from "./cursor.ts";
import { parseCondition, parseList, parseStrings } from "./expression.ts";
import { parseTest } from "./test-block.ts";

/** The tree of what could be read, and the work it took (GRAMMAR.md, "Limits"). Mistakes go to `diagnostics`. */
export function parseSource(source: Source, diagnostics: Diagnostics): { file: File; steps: number } {
  const cursor = new Cursor(source, diagnostics);
  const items: Item[] = [];
  while (cursor.lex.kind !== "end" && !diagnostics.full) {
    cursor.recover(() => items.push(parseItem(cursor)));
    while (cursor.isPunct("}")) {
      if (!diagnostics.failed)
        diagnostics.error("acl.syntax", source, cursor.lex.span, { message: 'this "}" closes nothing' });
      cursor.lex.advance();
    }
  }
  return { file: { items, comments: cursor.lex.comments }, steps: cursor.lex.steps };
}

function parseItem(cursor: Cursor): Item {
  const { start } = cursor.lex;
  if (cursor.acceptWord("include")) {
    const path = cursor.string("a path");
    return { kind: "include", path, start, end: path.end };
  }
  if (cursor.isWord("set")) return parseSet(cursor);
  if (cursor.isWord("test")) return parseTest(cursor);
  if (cursor.acceptGlued("policy")) return parsePolicy(cursor, start);
  if (cursor.acceptGlued("route")) return parseRoute(cursor, start);
  const guess = cursor.lex.kind === "word" ? nearest(cursor.lex.text, BLOCK_KEYWORDS) : undefined;
  const { span } = cursor.lex;
  const found = cursor.found();
  cursor.lex.advance();
  cursor.fail("acl.syntax", span, {
    message: `expected a policy, route, set, test or include, found ${found}`,
    hint: guess === undefined ? undefined : `did you mean "${guess}"?`,
    label: "no block starts here",
  });
}

function parsePolicy(cursor: Cursor, start: number): Item {
  const name = cursor.name("name for the policy");
  const clauses: (ConditionClause | ActionClause)[] = [];
  const ending = parseBlock(cursor, name, ["when", "require", "action"], (keyword, from) => {
    if (keyword === "action") {
      const action = parseActionClause(cursor);
      clauses.push({ kind: "action", action, start: from, end: cursor.lex.previousEnd });
    } else clauses.push(conditionClause(cursor, keyword as "when" | "require", from));
  });
  return { kind: "policy", name, clauses, start, ...ending };
}

function parseRoute(cursor: Cursor, start: number): Item {
  const name = cursor.name("name for the route");
  const clauses: (ConditionClause | UseClause)[] = [];
  const ending = parseBlock(cursor, name, ["when", "use"], (keyword, from) => {
    if (keyword === "use") {
      const backends = parseStrings(cursor, "a backend");
      clauses.push({ kind: "use", backends, start: from, end: cursor.lex.previousEnd });
    } else clauses.push(conditionClause(cursor, "when", from));
  });
  return { kind: "route", name, clauses, start, ...ending };
}

function conditionClause(cursor: Cursor, kind: "when" | "require", start: number): ConditionClause {
  const condition = parseCondition(cursor);
  return { kind, condition, start, end: cursor.lex.previousEnd };
}

/** `{ clause… }`: calls `clause` after each keyword, and returns where the block ends and whether all of it was read. */
function parseBlock(
  cursor: Cursor,
  name: Name,
  keywords: readonly string[],
  clause: (keyword: string, start: number) => void,
): { end: number; broken?: true } {
  let broken = false;
  cursor.expectPunct("{", `after the name "${shorten(name.text)}"`);
  while (!cursor.isPunct("}")) {
    if (cursor.lex.kind === "end" || cursor.atBlock()) {
      const { start, end } = name;
      cursor.diagnostics.error(
        "acl.syntax",
        cursor.source,
        { start, end },
        {
          message: `the block "${shorten(name.text)}" has no closing "}"`,
          label: "opened here",
        },
      );
      return { end: cursor.lex.previousEnd, broken: true };
    }
    const whole = cursor.recover(() => {
      const { start, text, kind, span } = cursor.lex;
      if (kind === "word" && keywords.includes(text)) {
        cursor.lex.advance();
        return clause(text, start);
      }
      const guess = kind === "word" ? nearest(text, keywords) : undefined;
      const found = cursor.found();
      cursor.lex.advance();
      cursor.fail("acl.syntax", span, {
        message: `expected ${keywords.map((word) => `"${word}"`).join(", ")} or "}", found ${found}`,
        hint: guess === undefined ? undefined : `did you mean "${guess}"?`,
      });
    });
    broken ||= !whole;
  }
  const { end } = cursor.lex;
  cursor.lex.advance();
  return broken ? { end, broken } : { end };
}

function parseActionClause(cursor: Cursor): Action {
  if (!cursor.acceptPunct("{")) return parseAction(cursor);
  const action = parseAction(cursor);
  cursor.expectPunct("}", "after the action");
  return action;
}

function parseAction(cursor: Cursor): Action {
  const { start } = cursor.lex;
  if (cursor.acceptGlued("allow")) return { kind: "allow", start, end: start + 5 };
  if (cursor.acceptWord("log")) return { kind: "log", start, end: start + 3 };
  if (cursor.acceptWord("redirect")) {
    const target = cursor.string("the target");
    return { kind: "redirect", target, start, end: target.end };
  }
  if (cursor.acceptWord("challenge")) {
    const message = cursor.string("the message");
    return { kind: "challenge", message, start, end: message.end };
  }
  if (cursor.acceptGlued("deny")) {
    if (!cursor.acceptWord("explain-template")) return { kind: "deny", start, end: start + 4 };
    cursor.expectPunct("=", 'after "explain-template"');
    const template = cursor.string("the template");
    return { kind: "deny", template, start, end: template.end };
  }
  const guess = cursor.lex.kind === "word" ? nearest(cursor.lex.text, ACTIONS) : undefined;
  cursor.expected(
    "an action (allow, deny, redirect, challenge, log)",
    guess === undefined ? undefined : `did you mean "${guess}"?`,
  );
}

const ACTIONS = ["allow", "deny", "redirect", "challenge", "log"];

function parseSet(cursor: Cursor): Item {
  const { start } = cursor.lex;
  cursor.lex.advance();
  const name = cursor.name("name for the set");
  cursor.expectPunct("=", "after the set's name");
  if (cursor.isPunct("[")) {
    const value = parseList(cursor);
    return { kind: "set", name, value, start, end: value.end };
  }
  const kind = cursor.acceptWord("lines") ? "lines" : cursor.acceptWord("hosts") ? "hosts" : undefined;
  if (kind === undefined) cursor.expected('a list, or "lines" or "hosts" and a file');
  const path = cursor.string("a path");
  return { kind: "set", name, value: { kind, path }, start, end: path.end };
}

/** One way to write a policy: the syntax tree printed with its comments. Changes no decision. */
import type {
  Action,
  ActionClause,
  Binding,
  ConditionClause,
  Expectation,
  File,
  Item,
  StringLiteral,
  TestBlock,
  TestCase,
  UseClause,
} from "./ast.ts";
import { type Diagnostic, Diagnostics } from "./diagnostic.ts";
import { parseSource } from "./parser/parse.ts";
import { flatList, printExpr, printList, printValue, WIDTH } from "./print/expression.ts";
import { Writer } from "./print/writer.ts";
import { Source } from "./source.ts";

type FormatResult =
  | { readonly text: string; readonly diagnostics?: undefined }
  | { readonly text?: undefined; readonly diagnostics: readonly Diagnostic[] };

/** The policy laid out anew, or what keeps it from being parsed. Idempotent; comments keep their places. */
export function formatPolicy(text: string, name = "policy"): FormatResult {
  const diagnostics = new Diagnostics();
  const { file } = parseSource(new Source(name, text), diagnostics);
  return diagnostics.failed ? { diagnostics: diagnostics.list } : { text: printFile(file, text) };
}

/** The tree as text; `source` is the text that it was read from, if any. */
export function printFile(file: File, source = ""): string {
  const writer = new Writer(source, file.comments);
  let before: Item | undefined;
  for (const item of file.items) {
    // Includes and sets may stand close together; blocks never do.
    if (before !== undefined && isLine(before) && isLine(item)) writer.newlineAsBefore(item.start);
    else if (before !== undefined) writer.blank();
    printItem(item, writer);
    before = item;
  }
  return writer.finish();
}

const isLine = (item: Item): boolean => item.kind === "set" || item.kind === "include";

function printItem(item: Item, writer: Writer): void {
  words(writer, item.kind, item.start);
  if (item.kind === "include") return writer.write(printValue(item.path), item.path.start, item.path.end);
  writer.write(item.kind === "test" ? printValue(item.name) : item.name.text, item.name.start, item.name.end);
  writer.space();
  if (item.kind === "set") {
    words(writer, "=");
    if (item.value.kind === "list") return printList(item.value, writer);
    words(writer, item.value.kind);
    return writer.write(printValue(item.value.path), item.value.path.start, item.value.path.end);
  }
  writer.write("{");
  writer.indented(() => {
    if (item.kind === "test") printTest(item, writer);
    else for (const clause of item.clauses) printClause(clause, writer);
    writer.newline();
    writer.comments(item.end);
  });
  writer.newline();
  writer.write("}", item.end - 1, item.end);
}

/** Words, each followed by a space. */
function words(writer: Writer, word: string, start = -1): void {
  writer.write(word, start, start === -1 ? -1 : start + word.length);
  writer.space();
}

function printClause(clause: ConditionClause | ActionClause | UseClause, writer: Writer): void {
  writer.newlineAsBefore(clause.start);
  words(writer, clause.kind, clause.start);
  if (clause.kind === "action") return printAction(clause.action, writer);
  if (clause.kind !== "use") return printExpr(clause.condition, writer);
  const items = clause.backends;
  printList({ kind: "list", items, start: items[0]?.start ?? -1, end: items.length === 0 ? -1 : clause.end }, writer);
}

function printAction(action: Action, writer: Writer): void {
  writer.write(action.kind, action.start);
  const text = action.kind === "redirect" ? action.target : action.kind === "challenge" ? action.message : undefined;
  if (text !== undefined) {
    writer.space();
    writer.write(printValue(text), text.start, text.end);
  } else if (action.kind === "deny" && action.template !== undefined) {
    writer.space();
    writer.write("explain-template=");
    writer.write(printValue(action.template), action.template.start, action.template.end);
  }
}

/** In the order of the source; a tree that was never text has the order below. */
function printTest(test: TestBlock, writer: Writer): void {
  const parts: [number, () => void][] = [];
  if (test.given.length > 0) {
    parts.push([
      test.given[0]!.start,
      () => {
        words(writer, "given");
        printBindings(test.given, writer);
      },
    ]);
  }
  if (test.expect !== undefined) parts.push([test.expect.start, () => printExpectation(test.expect!, writer)]);
  for (const row of test.cases) parts.push([row.start, () => printCase(row, writer)]);
  for (const [start, print] of parts.toSorted(([x], [y]) => x - y)) {
    writer.newlineAsBefore(start);
    print();
  }
}

function printCase(row: TestCase, writer: Writer): void {
  words(writer, "case", row.start);
  if (row.name !== undefined) {
    writer.write(printValue(row.name), row.name.start, row.name.end);
    writer.space();
  }
  printBindings(row.given, writer);
  writer.space();
  printExpectation(row.expect, writer);
}

function printBindings(bindings: readonly Binding[], writer: Writer): void {
  const [start, end] = [bindings[0]?.start ?? -1, bindings.at(-1)?.end ?? -1];
  const flat = flatBindings(bindings, writer.room(WIDTH));
  if (flat !== undefined && !writer.hasComment(start, end)) return writer.write(flat, start, end);
  writer.write("{");
  writer.indented(() => {
    for (const { name, value } of bindings) {
      writer.newline();
      writer.write(name.text, name.start, name.end);
      writer.space();
      words(writer, "=");
      if (value.kind === "list") printList(value, writer);
      else writer.write(printValue(value), value.start, value.end);
    }
  });
  writer.newline();
  writer.write("}");
}

function flatBindings(bindings: readonly Binding[], room: number): string | undefined {
  if (bindings.length === 0) return "{}";
  let text = "{";
  for (const { name, value } of bindings) {
    const printed = value.kind === "list" ? flatList(value, room) : printValue(value);
    if (printed === undefined || text.length > room) return undefined;
    text += ` ${name.text} = ${printed}`;
  }
  return text.length + 2 <= room ? `${text} }` : undefined;
}

function printExpectation(expect: Expectation, writer: Writer): void {
  words(writer, "expect", expect.start);
  writer.write(expect.outcome);
  const word = (keyword: string, text: string, { start, end }: { start: number; end: number }) => {
    writer.space();
    words(writer, keyword);
    writer.write(text, start, end);
  };
  const string = (keyword: string, text: StringLiteral | undefined) => text && word(keyword, printValue(text), text);
  if (expect.by) word("by", expect.by.text, expect.by);
  string("to", expect.to);
  if (expect.via) word("via", `[${expect.via.map((one) => printValue(one)).join(", ")}]`, { start: -1, end: -1 });
  string("explain", expect.explain);
  if (expect.missing) word("missing", expect.missing.text, expect.missing);
  if (expect.logged) word("logged", `[${expect.logged.map(({ text }) => text).join(", ")}]`, { start: -1, end: -1 });
}

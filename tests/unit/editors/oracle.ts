/** What the parser takes each word of a policy for, and the texts on which editors' grammars are held to it. Not a test. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { OPERATORS, type Expr, type File, type ListLiteral, type Name, type Operand } from "../../../lib/acl/ast.ts";
import { Diagnostics, type Span } from "../../../lib/acl/diagnostic.ts";
import { FACTS, lookupFact } from "../../../lib/acl/facts.ts";
import { formatPolicy } from "../../../lib/acl/format.ts";
import { Lexer } from "../../../lib/acl/lexer.ts";
import { parseSource } from "../../../lib/acl/parser/parse.ts";
import { SAMPLE_POLICY } from "../../../lib/acl/sample.ts";
import { Source } from "../../../lib/acl/source.ts";
import { Random } from "../../support/random.ts";
import { randomPolicy } from "../lib/acl/random.ts";

export const ROOT = resolve(import.meta.dir, "../../..");

/** `word` is any other word: a name, a value. */
export type Kind = "keyword" | "fact" | "operator" | "string" | "comment" | "word";

export interface Token extends Span {
  readonly kind: Kind;
  readonly text: string;
}

/** Every token of a policy that parses, in order; brackets and commas left out. */
export function tokensOf(text: string): Token[] {
  const source = new Source("p.acl", text);
  const diagnostics = new Diagnostics();
  const { file } = parseSource(source, diagnostics);
  if (diagnostics.failed) throw new Error(JSON.stringify(diagnostics.list, undefined, 1));
  const known = new Map<number, Kind>();
  classify(file, known);
  const tokens: Token[] = file.comments.map(({ start, end }) => ({ kind: "comment", start, end, text: "#" }));
  const lexer = new Lexer(source, new Diagnostics());
  for (; lexer.kind !== "end"; lexer.advance()) {
    const kind = kindOf(lexer, known);
    if (kind !== undefined) tokens.push({ kind, start: lexer.start, end: lexer.end, text: lexer.text });
  }
  return tokens.toSorted((x, y) => x.start - y.start);
}

function kindOf(lexer: Lexer, known: ReadonlyMap<number, Kind>): Kind | undefined {
  if (lexer.kind === "string") return "string";
  if (lexer.kind === "word") return known.get(lexer.start) ?? "keyword";
  return (OPERATORS as readonly string[]).includes(lexer.text) ? "operator" : undefined;
}

/** Marks the words that are names and values: what is left is a keyword. */
function classify(file: File, known: Map<number, Kind>): void {
  const word = ({ start }: Span) => known.set(start, "word");
  const fact = (name: string, { start }: Span) => known.set(start, lookupFact(name) === undefined ? "word" : "fact");
  const list = (value: ListLiteral) => value.items.forEach(word);
  const operand = (value: Operand | ListLiteral) => {
    if (value.kind === "list") list(value);
    else if (value.kind === "reference") fact(value.name, value);
    else word(value);
  };
  const names = (all: readonly Name[] | undefined) => all?.forEach(word);
  const condition = (expr: Expr): void => {
    if (expr.kind === "and" || expr.kind === "or") expr.items.forEach(condition);
    else if (expr.kind === "not") condition(expr.item);
    else if (expr.kind === "defined") fact(expr.fact.text, expr.fact);
    else if (expr.kind === "comparison") {
      operand(expr.left);
      operand(expr.right);
    }
  };
  for (const item of file.items) {
    if (item.kind === "policy" || item.kind === "route") {
      word(item.name);
      for (const clause of item.clauses) if ("condition" in clause) condition(clause.condition);
    } else if (item.kind === "set") {
      word(item.name);
      if (item.value.kind === "list") list(item.value);
    } else if (item.kind === "test") {
      for (const { name, value } of [...item.given, ...item.cases.flatMap(({ given }) => given)]) {
        fact(name.text, name);
        if (value.kind === "list") list(value);
        else word(value);
      }
      for (const { by, missing, logged } of [
        ...item.cases.map((row) => row.expect),
        ...(item.expect ? [item.expect] : []),
      ]) {
        names([...(by ? [by] : []), ...(logged ?? [])]);
        if (missing !== undefined) fact(missing.text, missing);
      }
    }
  }
}

/** Words that are keywords elsewhere, blocks on one line, every operator and every fact. */
const TRICKY = `set when = ["allow", "deny"]
set action = [10.0.0.0/8, fd00::/8, ::1] set lines = lines "lines.txt" set hosts = hosts "hosts"
include "builtin:sample" // not a policy
policy policy { when host in when and dest.ip not in action require not (host under when) action { allow } }
policy allow { when { host not under "a.test" or "ops" in client.ou } action deny explain-template="when # not" }
policy log { when port >= 1 and port <= 65535 and port != 25 and port in [80, 443-444, -1] action log }
policy a-when_allow{when path=~"^/(allow|deny)\\.html$"action redirect "https://action.test/when"}
policy é2 { when method == e"a\\"when\\u{41} \\\\" or method == "" require defined header.x-when action challenge "allow
when deny" }
route use { when route.local == false and defined user.when use ["when"] }
route route { use ["a", "b",] }
policy days { when time in ["08:00-18:00"] zone "Europe/Paris" and now < "2026-01-01" zone "UTC" action allow }
policy values { when device.managed == true and user.on == false and risk.score > 1 and geo.country == tls.server_name action deny }
test "when allow" { given { command = "socks" host = "a" resolves = [1.2.3.4, ::1] port = 443, user.allow = true }
  expect deny by when case "x" { client.ou = ["when"] } expect allow by allow via ["when"] logged [log, policy,]
  case { dest.ip = 10.0.0.1 } expect redirect to "a.test" case { port = -5 } expect challenge explain "x" missing client.cn
  expect deny by default
}
# policy x { when
test "the end" { expect deny missing header.when }
`.replace("  expect deny by default\n", "");

const EVERY_FACT = Object.keys(FACTS)
  .filter((name) => !["time", "weekday", "now"].includes(name))
  .map((name, i) => `policy p${i} { when defined ${name} and ${name} == ${name} action deny }\n`)
  .join("");

/** A comment and a line break between all tokens. */
export const BROKEN_UP =
  '\npolicy # policy\nwhen // when\n{ # {\nwhen\nhost\nin # in\nwhen # x\nrequire\ndefined // x\nclient.cn\naction\n{\nallow\n}\n}\nset\nlines\n=\nlines\n"x"\ntest # t\n"x"\n# y\n{\ngiven\n{\nhost\n=\n"x"\n}\nexpect\ndeny\nby # b\nwhen\nlogged\n[\nwhen\n]\nmissing\nhost\n}\n';

/** The examples of the language's specification, the sample, the tricky ones, and random policies, as written and laid out. */
export function corpus(): string[] {
  const grammar = readFileSync(resolve(ROOT, "lib/acl/GRAMMAR.md"), "utf8");
  const examples = [...grammar.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].flatMap(([, kind, text]) =>
    kind === "" ? [text!] : [],
  );
  const random = Array.from({ length: 30 }, (_, seed) => randomPolicy(new Random(seed)));
  const written = [...examples, SAMPLE_POLICY, TRICKY, EVERY_FACT, ...random];
  return [...written, ...written.map((text) => formatPolicy(text).text!)];
}

/** The terminals of the specification that are words, but for the constants. */
export function keywords(): string[] {
  const grammar = readFileSync(resolve(ROOT, "lib/acl/GRAMMAR.md"), "utf8");
  const ebnf = /^```ebnf\n([^]*?)^```/m.exec(grammar)![1]!;
  const words = [...ebnf.matchAll(/"([a-z][a-z-]*)"/g)].map((match) => match[1]!);
  return [...new Set(words)].filter((word) => word !== "true" && word !== "false");
}

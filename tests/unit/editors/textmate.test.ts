/** The TextMate grammar agrees with the parser on every word of a corpus. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { BROKEN_UP, corpus, keywords, type Kind, ROOT, tokensOf } from "./oracle.ts";
import { type Grammar, scopesOf } from "./textmate.ts";

const FOLDER = resolve(ROOT, "editors/textmate");
const json = (name: string) => JSON.parse(readFileSync(resolve(FOLDER, name), "utf8"));
const grammar = json("portail-acl.tmLanguage.json") as Grammar;

/** What the scopes of a character say that it is. */
function kindOf(scopes: readonly string[]): Kind | undefined {
  const last = scopes.at(-1) ?? "";
  if (scopes.some((scope) => scope.startsWith("string."))) return "string";
  if (last.startsWith("comment.")) return "comment";
  if (last.startsWith("keyword.operator.comparison")) return "operator";
  if (last.startsWith("keyword.")) return "keyword";
  if (last.startsWith("support.variable.fact")) return "fact";
  return /^(?:entity|variable|constant)\./.test(last) ? "word" : undefined;
}

function compare(text: string): number {
  const scopes = scopesOf(grammar, text);
  const tokens = tokensOf(text);
  const taken = new Set<number>();
  for (const { kind, start, end, text: shown } of tokens) {
    for (let at = start; at < end; at++) {
      const found = kindOf(scopes[at]!);
      if (found !== kind && text[at] !== "\n") expect([text, shown, start, found]).toEqual([text, shown, start, kind]);
      taken.add(at);
    }
  }
  // Between the tokens there is nothing to be called anything.
  for (let at = 0; at < text.length; at++) {
    const found = taken.has(at) ? undefined : kindOf(scopes[at]!);
    if (found !== undefined) expect([text, at, text[at], found]).toEqual([text, at, text[at], undefined]);
  }
  return tokens.length;
}

test("on examples, the sample, names that are keywords and random policies", () => {
  const counts = corpus().map(compare);
  expect(counts.length).toBeGreaterThan(60);
  expect(Math.min(...counts)).toBeGreaterThan(5);
});

test("on a policy with comments and line breaks between all words", () => {
  expect(compare(BROKEN_UP)).toBeGreaterThan(30);
});

test("the corpus has every keyword of the specification", () => {
  const seen = new Set(
    corpus().flatMap((text) => tokensOf(text).flatMap(({ kind, text }) => (kind === "keyword" ? [text] : []))),
  );
  expect(keywords().filter((word) => !seen.has(word))).toEqual([]);
  expect(keywords().length).toBeGreaterThan(30);
});

test("what is no fact is not coloured as one", () => {
  const kinds = (text: string) => scopesOf(grammar, text).map(kindOf);
  for (const name of ["hosts", "client.name", "tls.sni", "s3", "users.x", "client"]) {
    const text = `policy a { when ${name} == 1 action deny }`;
    expect(kinds(text).includes("fact")).toBe(false);
  }
});

test("the extension's manifest names files that are there, and the grammar's scope", () => {
  const { contributes } = json("package.json");
  const [language] = contributes.languages;
  expect(contributes.grammars).toEqual([
    { language: language.id, scopeName: grammar.scopeName, path: "./portail-acl.tmLanguage.json" },
  ]);
  expect(language.extensions).toEqual([".acl"]);
  expect(json(language.configuration).comments.lineComment).toBe("#");
});

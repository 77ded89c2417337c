/** Patterns: the looked-up form always agrees with the automaton. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { disguiseOf, hintsOf } from "../../../../../lib/acl/pattern/literals.ts";
import { Pattern } from "../../../../../lib/acl/pattern/pattern.ts";

describe("texts in disguise", () => {
  const branch = (text: string, start: boolean, end: boolean) => ({ text, start, end });
  test.each([
    ["^foo\\.bar$", [branch("foo.bar", true, true)]],
    ["(^|\\.)corp\\.test$", [branch("corp.test", true, true), branch(".corp.test", false, true)]],
    ["^(a|b)\\.test$", [branch("a.test", true, true), branch("b.test", true, true)]],
    ["^(?:a|b)$", [branch("a", true, true), branch("b", true, true)]],
    ["[.]test$", [branch(".test", false, true)]],
    ["^www\\.", [branch("www.", true, false)]],
    ["test", [branch("test", false, false)]],
    [".*\\.test$", [branch(".test", false, true)]],
    ["^(www\\.)?a\\.test$", [branch("a.test", true, true), branch("www.a.test", true, true)]],
    ["^a$|^b$", [branch("a", true, true), branch("b", true, true)]],
  ])("%s", (pattern, branches) => expect(disguiseOf(pattern)?.branches).toMatchObject(branches));

  test.each([
    "a.b",
    "^[a-z]+$",
    "(?i)a",
    "a*",
    "a+",
    "\\d",
    "a{2}",
    "\\bx",
    "\\x41",
    "[ab]",
    "a$b",
    "(a",
    "a)",
    "a**",
    "x(?=y)",
    "^a.+$",
  ])("%s is more than texts", (pattern) => expect(disguiseOf(pattern)).toBeUndefined());

  test("what is sure of a pattern that is more than texts", () => {
    const hints = (beginning: string, ending: string, piece: string) => ({ beginning, ending, piece });
    expect(hintsOf("^api-[0-9]+\\.corp\\.test$")).toEqual(hints("api-", ".corp.test", ".corp.test"));
    expect(hintsOf("[0-9]+\\.test")).toEqual(hints("", "", ".test"));
    expect(hintsOf("[0-9]a+b(cd)?ef*")).toEqual(hints("", "", "b"));
    expect(hintsOf("^a|b$")).toEqual(hints("", "", ""));
    expect(hintsOf("ab?$")).toEqual(hints("", "", "a"));
  });
});

test("looked up or run, a pattern gives one answer", () => {
  const piece = fc.constantFrom(
    "a",
    "b",
    ".",
    "\\.",
    "^",
    "$",
    "(",
    ")",
    "(?:",
    "|",
    "?",
    "*",
    "+",
    ".*",
    "[a-c]",
    "[.]",
    "[^b]",
    "{2}",
    "-",
    "\\d",
    "\\-",
    "(^|\\.)",
    "(a|b)",
    "a\\.b",
    "(.*\\.)?",
    "\n",
    "😀",
    "é",
  );
  const subject = fc
    .array(fc.constantFrom("a", "b", ".", "-", "a.b", "\n", "1", "😀", "é", "c"), { maxLength: 6 })
    .map((parts) => parts.join(""));
  let compared = 0;
  let lookedUp = 0;
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 8 }),
      fc.array(subject, { minLength: 1, maxLength: 12 }),
      (pieces, subjects) => {
        const text = pieces.join("");
        let automaton: RE2JS | undefined;
        try {
          automaton = RE2JS.compile(text);
        } catch {
          // Then it must be refused below as well.
        }
        const { pattern } = Pattern.compile(text);
        expect([text, pattern !== undefined]).toEqual([text, automaton !== undefined]);
        if (pattern === undefined) return;
        if (pattern.texts !== undefined) lookedUp++;
        for (const one of subjects) {
          compared++;
          expect([text, one, pattern.test(one)]).toEqual([text, one, automaton!.test(one)]);
          expect(pattern.testPlainly(one)).toBe(automaton!.test(one));
        }
      },
    ),
    { numRuns: 6000 },
  );
  expect(compared).toBeGreaterThan(5000);
  expect(lookedUp).toBeGreaterThan(500);
}, 60_000);

test("every short pattern of anchors, texts, dots and groups gives the automaton's answer", () => {
  const pieces = ["^", "$", ".*", "a", "b", "\\.", "|", "(", ")", "?", "(^|\\.)", "(.*\\.)?", "[ab]+"];
  const subjects = ["", "a", "b", "ab", "ba", ".", "a.b", ".a", "a\n", "\na", "b\na.b", "aa"];
  let patterns = [""];
  let lookedUp = 0;
  for (let length = 1; length <= 4; length++) {
    patterns = patterns.flatMap((before) => pieces.map((piece) => before + piece));
    for (const text of patterns) {
      const { pattern } = Pattern.compile(text);
      if (pattern === undefined) continue;
      if (pattern.texts !== undefined) lookedUp++;
      const automaton = RE2JS.compile(text);
      for (const one of subjects) {
        if (pattern.test(one) !== automaton.test(one))
          expect([text, one, pattern.test(one)]).toEqual([text, one, automaton.test(one)]);
      }
    }
  }
  expect(lookedUp).toBeGreaterThan(2000);
}, 60_000);

test.each([
  ["^.*a$", "\na", false],
  ["^.*a$", "ba", true],
  ["^(.*\\.)?a$", "x\n.a", false],
  ["^(.*\\.)?a$", "x.a", true],
  ["^a.*$", "ab\n", false],
  ["^a.*$", "ab", true],
  ["^a.*", "ab\n", true],
  [".*a$", "\na", true],
])("%s on %j, where a line break stops the dot: %p", (text, subject, wanted) => {
  const { pattern } = Pattern.compile(text);
  expect(pattern?.texts).toBeDefined();
  expect(pattern?.test(subject)).toBe(wanted);
  expect(RE2JS.compile(text).test(subject)).toBe(wanted);
});

describe("compile", () => {
  test.each([
    "(",
    "a{3,2}",
    "(?=a)",
    "\\1",
    "(?<!a)b",
    "*",
    "a{1001}",
    "[a-",
    "[[a-z]&&[^x]]",
    "[a&&b]",
    "[a[b]]",
    "[a~~b]",
    "(?x) a b",
    "\\",
  ])("refuses %s", (pattern) => {
    const { error } = Pattern.compile(pattern);
    expect(error).toBeString();
    expect(error).not.toContain("error parsing");
  });

  test.each([
    ["(?u)^a$", "a", true],
    ["(?iu)^A$", "a", true],
    ["(?i-u:A)b", "ab", true],
    ["[[:alpha:]]+$", "x", true],
    ["[]a]", "]", true],
    ["[^]a]", "b", true],
    ["[\\[]", "[", true],
    ["\\Aa\\z", "a", true],
    ["a$", "a\n", false],
    ["(?m)a$", "a\nb", true],
  ])("%s on %j", (pattern, subject, wanted) => expect(Pattern.compile(pattern).pattern?.test(subject)).toBe(wanted));

  test("an alternation of thousands of hosts is one lookup", () => {
    const hosts = Array.from({ length: 5000 }, (_, i) => `h${i}.example`);
    const { pattern } = Pattern.compile(`^(${hosts.map((host) => host.replaceAll(".", "\\.")).join("|")})$`);
    expect(pattern!.texts!.wholeNames).toEqual(hosts);
    expect(pattern!.test("h4999.example")).toBe(true);
    expect(pattern!.test("h5000.example")).toBe(false);
    expect(pattern!.test("xh1.example")).toBe(false);
  });
});

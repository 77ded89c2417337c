/** Globs of names, held against a slow and plain matcher, and on inputs that make careless ones slow. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { compileDnsGlob, compileNameGlob } from "../../../../lib/identity/name-glob.ts";

test.each([
  ["client", "client", true],
  ["client", "Client", false],
  ["client", "client1", false],
  ["*", "anything, at all", true],
  ["*", "", true],
  ["web-*", "web-1", true],
  ["web-*", "web-", true],
  ["web-*", "db-1", false],
  ["*-prod", "web-1-prod", true],
  ["*-prod", "web-1-production", false],
  ["a*b*c", "aXbYc", true],
  ["a*b*c", "abc", true],
  ["a*b*c", "acb", false],
  ["a*a", "a", false],
  ["a*a", "aa", true],
  ["a**b", "a-b", true],
  ["*ab*", "aab", true],
  ["*aab*aab", "aaab", false],
  ["team.*", "team.a.b", true],
  ["a.c", "abc", false],
  ["(a|b)+", "(a|b)+", true],
  ["é*", "été", true],
  ["ét*", "été", true],
])("%j and the name %j: %p", (glob, name, expected) => {
  expect(compileNameGlob(glob).matches(name)).toBe(expected);
});

test.each([
  ["db.example.com", "db.example.com", true],
  ["DB.example.com", "db.EXAMPLE.com", true],
  ["*.example.com", "db.example.com", true],
  ["*.example.com", "*.example.com", true],
  ["*.example.com", "a.b.example.com", false],
  ["*.example.com", "example.com", false],
  ["*.example.com", ".example.com", false],
  ["web-*.example.com", "web-1.example.com", true],
  ["web-*.example.com", "web-1.evil.example.com", false],
  ["db.*.example.com", "db.eu.example.com", true],
  ["*.*.com", "a.b.com", true],
  ["*", "localhost", true],
  ["*", "a.b", false],
  ["example.com", "example.com.", false],
  ["example.com", "examplexcom", false],
])("%j and the DNS name %j: %p", (glob, name, expected) => {
  expect(compileDnsGlob(glob).matches(name)).toBe(expected);
});

/** By its definition: a star is nothing, or one character more. */
function plain(glob: string, name: string): boolean {
  if (glob === "") return name === "";
  if (glob[0] === "*") return plain(glob.slice(1), name) || (name !== "" && plain(glob, name.slice(1)));
  return glob[0] === name[0] && plain(glob.slice(1), name.slice(1));
}

test("any glob on any name", () => {
  const text = (letters: string[]) =>
    fc.array(fc.constantFrom(...letters), { maxLength: 9 }).map((all) => all.join(""));
  let hits = 0;
  fc.assert(
    fc.property(text(["a", "b", "*"]), text(["a", "b"]), (glob, name) => {
      const expected = plain(glob, name);
      if (expected) hits++;
      expect(compileNameGlob(glob).matches(name)).toBe(expected);
    }),
    { numRuns: 5_000 },
  );
  expect(hits).toBeGreaterThan(200);
});

test("long repetitions take one pass", () => {
  const glob = compileNameGlob(`*${"a".repeat(20_000)}b*`);
  expect(glob.matches("a".repeat(2_000_000))).toBe(false);
  expect(compileNameGlob(`${"*a".repeat(20_000)}*b`).matches("a".repeat(2_000_000))).toBe(false);
});

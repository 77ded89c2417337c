/** Which names a pattern means. */
import { expect, test } from "bun:test";
import { compileNames } from "../../../../../commands/tproxy/names/match.ts";

const CANDIDATES = [
  "example.com",
  "a.example.com",
  "b.a.example.com",
  "aexample.com",
  "db-1.example.com",
  "host",
  "localhost",
  "x.localhost",
  "1.0.18.198.in-addr.arpa",
  "a\\046b.example.com",
  "10.0.0.1",
  "",
];

test.each([
  ["example.com", ["example.com"]],
  ["EXAMPLE.com", ["example.com"]],
  ["*.example.com", ["a.example.com", "db-1.example.com"]],
  ["**.example.com", ["a.example.com", "b.a.example.com", "db-1.example.com"]],
  ["db-*.example.com", ["db-1.example.com"]],
  ["*", ["example.com", "a.example.com", "b.a.example.com", "aexample.com", "db-1.example.com", "host"]],
  ["localhost", ["localhost"]],
])("%s", (pattern, expected) => {
  const match = compileNames([pattern], "--match");
  const lead = pattern === "*" ? "if real" : "here";
  expect(CANDIDATES.map((name) => match(name))).toEqual(
    CANDIDATES.map((name) => ((expected as readonly string[]).includes(name) ? lead : undefined)),
  );
});

test("a name of a pattern of its own is ours whether it is real or not", () => {
  const match = compileNames(["*", "a.example.com"], "--match");
  expect([match("a.example.com"), match("b.example.com")]).toEqual(["here", "if real"]);
});

test.each([
  "",
  ".",
  "a..b",
  "**",
  "a.**.b",
  "**.*.b",
  "**.",
  ".example.com",
  "10.0.0.1",
  "a b",
  "\u00fc.example",
  "*.1",
])("%j is refused", (pattern) => {
  expect(() => compileNames([pattern], "--match")).toThrow("is no pattern of names");
});

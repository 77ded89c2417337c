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
  expect(CANDIDATES.filter(compileNames([pattern], "--match"))).toEqual(expected);
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

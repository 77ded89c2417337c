/** Sets that nothing compares with. */
import { expect, test } from "bun:test";
import { fixed, found } from "./support.ts";

const RULE = "unused-set";
const FILES = { s: "a.test\nb.test\n" };

test.each([
  [
    "in a policy file",
    `set s = ["a"]
policy p { action allow }`,
    ["s"],
  ],
  [
    "of a file",
    `set s = lines "s"
policy p { action allow }`,
    ["s"],
  ],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text, {}, FILES)).toEqual(expected);
});

test.each([
  [
    "in a policy",
    `set s = ["a"]
policy p { when host in s action allow }`,
  ],
  [
    "in a route",
    `set s = ["a"]
route r { when host in s use ["b"] }`,
  ],
  [
    "under a not",
    `set s = ["a"]
policy p { when not (host under s) action allow }`,
  ],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text, {}, FILES)).toEqual([]);
});

test("sets of included files, and files of sets alone, are there for others", () => {
  const files = { "sets.acl": '\nset s = ["a"]' };
  expect(found(RULE, 'include "sets.acl"\npolicy p { action allow }', {}, files)).toEqual([]);
  expect(found(RULE, files["sets.acl"])).toEqual([]);
});

test("--fix deletes the set, unless a comment would go with it", () => {
  expect(fixed('set s = ["a"]\n\npolicy p { action allow }\n')).toBe("policy p { action allow }\n");
  const commented = 'set s = [\n  "a", # why\n]\npolicy p { action allow }\n';
  expect(fixed(commented)).toBe(commented);
});

/** Words that are glued together. */
import { expect, test } from "bun:test";
import { fixed, found } from "./support.ts";

const RULE = "missing-space";

test.each([
  ["a not", `policy p { when nothost == "a" action allow }`, ["nothost"]],
  ["an and", `policy p { when port == 1 andhost == "a" action allow }`, ["andhost"]],
  ["a policy", `policyp { action allow }`, ["policyp"]],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  ["blanks", `policy p { when not host == "a" action allow }`],
  ["a name that only begins so", `policy notes { when host == "a" action allow }`],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

test("--fix puts the blank in", () => {
  expect(fixed('policyp { when nothost == "a" andport == 1 action allow }')).toBe(
    'policy p { when not host == "a" and port == 1 action allow }',
  );
});

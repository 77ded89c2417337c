/** Policies with the conditions of an earlier one. */
import { expect, test } from "bun:test";
import { fixed, found } from "./support.ts";

const RULE = "duplicate-policy";

test.each([
  [
    "word for word",
    `policy a { when port == 1 action allow }
policy b { when port == 1 action allow }`,
    ["b"],
  ],
  [
    "in when and in require",
    `policy a { when port == 1 and host == "h" action allow }
policy b { when port == 1 require host == "h" action allow }`,
    ["b"],
  ],
  [
    "another action",
    `policy a { when port == 1 action deny }
policy b { when port == 1 action allow }`,
    ["b"],
  ],
  [
    "three times",
    `policy a { when port == 1 action allow }
policy b { when port == 1 action allow }
policy c { when port == 1 action allow }`,
    ["b", "c"],
  ],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  [
    "other values",
    `policy a { when port == 1 action allow }
policy b { when port == 2 action allow }`,
  ],
  [
    "a log first",
    `policy a { when port == 1 action log }
policy b { when port == 1 action allow }`,
  ],
  [
    "a deny behind an allow is told by another rule",
    `policy a { when port == 1 action allow }
policy b { when port == 1 action deny }`,
  ],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

test("--fix deletes the copy with its lines", () => {
  const block = (name: string) => `policy ${name} {\n  when port == 1\n  action allow\n}\n`;
  expect(fixed(`${block("a")}\n${block("b")}\n${block("a2").replace("1", "2")}`)).toBe(
    `${block("a")}\n${block("a2").replace("1", "2")}`,
  );
});

test.each([
  ["a comment inside", "policy b { when port == 1 /* */ action allow }".replace("/* */", "# why\n")],
  ["a comment above", "# why\npolicy b { when port == 1 action allow }"],
  [
    "a test that names it",
    'policy b { when port == 1 action allow }\ntest "t" { given { port = 2 } expect deny by b }',
  ],
])("--fix leaves it where something would be lost: %s", (_, copy) => {
  const text = `policy a { when port == 1 action allow }\n${copy}\n`;
  expect(found(RULE, text)).toEqual(["b"]);
  expect(fixed(text, { only: [RULE] })).toBe(text);
});

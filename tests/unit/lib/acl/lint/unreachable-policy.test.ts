/** Policies behind one that decides everything. */
import { expect, test } from "bun:test";
import { found, lintText } from "./support.ts";

const RULE = "unreachable-policy";

test.each([
  [
    "behind an allow of everything",
    `policy all { action allow }
policy a { when port == 1 action allow }
policy b { when port == 2 action allow }`,
    ["a"],
  ],
  [
    "behind a deny of everything",
    `policy no { action deny }
policy a { when port == 1 action deny }`,
    ["a"],
  ],
  [
    "behind what is never false",
    `policy x { when port == 1 or port != 1 action deny }
policy a { when host == "a" action allow }`,
    ["a"],
  ],
  [
    "a log too",
    `policy all { action allow }
policy l { when port == 1 action log }`,
    ["l"],
  ],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  [
    "the last one",
    `policy a { when port == 1 action allow }
policy all { action allow }`,
  ],
  [
    "a log decides nothing",
    `policy l { action log }
policy a { when port == 1 action allow }`,
  ],
  [
    "not everything",
    `policy x { when port != 1 action deny }
policy a { when host == "a" action allow }`,
  ],
  [
    "a deny behind an allow is told by another rule",
    `policy all { action allow }
policy a { when port == 1 action deny }`,
  ],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

test("one finding for all of them", () => {
  const text =
    "policy all { action allow }\npolicy a { when port == 1 action allow }\npolicy b { when port == 2 action allow }";
  const [finding] = lintText(text, { only: [RULE] });
  expect(finding!.message).toBe('"a" and one more policy are never reached: "all" (line 1) decides every request');
});

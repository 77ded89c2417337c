/** Suppressions without a finding. */
import { expect, test } from "bun:test";
import { fixed, found } from "./support.ts";

const RULE = "unused-suppression";

test.each([
  [
    "above a block",
    `# lint-allow unused-set: why
policy p { action allow }`,
    ["# lint-allow unused-set: why"],
  ],
  [
    "one rule of two",
    `# lint-allow constant-condition, unused-set: why
policy p { when 1 == 1 action allow }`,
    ["# lint-allow constant-condition, unused-set: why"],
  ],
  [
    "above another block",
    `# lint-allow constant-condition: why
policy a { when port == 1 action allow }
policy b { when 1 == 1 action allow }`,
    ["# lint-allow constant-condition: why"],
  ],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  [
    "above",
    `# lint-allow constant-condition: why
policy p { when 1 == 1 action allow }`,
  ],
  [
    "with other comments between",
    `# lint-allow constant-condition: why

# more
policy p { when 1 == 1 action allow }`,
  ],
  [
    "inside",
    `policy p {
  # lint-allow constant-condition: why
  when 1 == 1
  action allow
}`,
  ],
  [
    "behind",
    `policy p { when 1 == 1 action allow } # lint-allow constant-condition: why
policy q { when port == 1 action allow }`,
  ],
  [
    "without a reason it is told by another rule",
    `# lint-allow unused-set:
policy p { action allow }`,
  ],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

test("rules that did not run count as used", () => {
  const text = "# lint-allow constant-condition: why\npolicy p { when 1 == 1 action allow }";
  expect(found(RULE, text, { disabled: ["constant-condition"] })).toEqual([]);
  expect(found(RULE, text, { only: [RULE] })).toEqual([]);
});

test("--fix deletes the comment, unless a rule of it is of use", () => {
  expect(fixed("# lint-allow unused-set: why\npolicy p { action allow }\n")).toBe("policy p { action allow }\n");
  const half = "# lint-allow unused-set, constant-condition: why\npolicy p { when 1 == 1 action allow }\n";
  expect(fixed(half)).toBe(half);
});

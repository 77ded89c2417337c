/** Suppressing comments that are refused. */
import { expect, test } from "bun:test";
import { found, lintText } from "./support.ts";

const RULE = "bad-suppression";

test.each([
  [
    "without a reason",
    `# lint-allow constant-condition:
policy p { when 1 == 1 action allow }`,
    ["# lint-allow constant-condition:"],
  ],
  [
    "without a colon",
    `// lint-allow constant-condition
policy p { when 1 == 1 action allow }`,
    ["// lint-allow constant-condition"],
  ],
  [
    "an unknown rule",
    `# lint-allow constant-conditoin: why
policy p { when 1 == 1 action allow }`,
    ["# lint-allow constant-conditoin: why"],
  ],
  [
    "no rule",
    `# lint-allow : why
policy p { when 1 == 1 action allow }`,
    ["# lint-allow : why"],
  ],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  [
    "with a reason",
    `# lint-allow constant-condition: generated
policy p { when 1 == 1 action allow }`,
  ],
  [
    "another comment",
    `# lint is allowed here
policy p { when 1 == 1 action allow }`,
  ],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

test("it suppresses nothing, and cannot be suppressed", () => {
  const text =
    "# lint-allow bad-suppression: I say so\n# lint-allow constant-condition:\npolicy p { when 1 == 1 action allow }";
  const open = lintText(text).filter(({ suppressed }) => suppressed === undefined);
  expect(open.map(({ rule }) => rule)).toEqual(["unused-suppression", "bad-suppression", "constant-condition"]);
});

test("a slip is answered with the nearest rule", () => {
  const [finding] = lintText("# lint-allow unused-sets: why\npolicy p { action allow }", { only: [RULE] });
  expect(finding!.message).toBe('there is no rule "unused-sets"; did you mean "unused-set"?');
});

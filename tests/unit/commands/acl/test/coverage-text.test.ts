/** Coverage in words: never rounded up to what it is not, and each gap by its name. */
import { expect, test } from "bun:test";
import { coverageText, gapsOf } from "../../../../../commands/acl/test/text.ts";

test.each([
  [1999, 2000, "coverage 99.9 % (1999 of 2000)"],
  [2000, 2000, "coverage 100.0 % (2000 of 2000)"],
  [0, 3, "coverage 0.0 % (0 of 3)"],
])("%d of %d", (covered, total, text) => {
  expect(coverageText({ blocks: [], covered, total, percent: (covered / total) * 100 })).toBe(text);
});

const PLACE = { file: "p.acl", start: 0 };
const clause = (kind: "when" | "require", sawTrue: boolean, sawFalse: boolean, possible = 2) => ({
  kind,
  place: PLACE,
  sawTrue,
  sawFalse,
  possible,
});

test.each([
  [false, [clause("when", false, false)], ["never reached"]],
  [true, [], []],
  [true, [clause("when", true, true), clause("require", true, false)], ["require never false"]],
  [true, [clause("when", false, true), clause("require", false, false)], ["when never true", "require never asked"]],
  [true, [clause("when", true, false, 1)], []],
])("reached %p, %j", (reached, clauses, gaps) => {
  expect(gapsOf({ kind: "policy", name: "a", place: PLACE, reached, clauses, covered: 0, total: 0 })).toEqual(gaps);
});

/** Operands that say what another one says. */
import { expect, test } from "bun:test";
import { fixed, found } from "./support.ts";

const RULE = "redundant-condition";

test.each([
  ["twice", `policy p { when port == 1 and host == "a" and port == 1 action allow }`, ["port == 1"]],
  ["twice in an or", `policy p { when port == 1 or host == "a" or port == 1 action allow }`, ["port == 1"]],
  [
    "a group twice",
    `policy p { when (port == 1 or port == 2) and host == "a" and (port == 1 or port == 2) action allow }`,
    ["port == 1 or port == 2"],
  ],
  [
    "the wider of two joined by and",
    `policy p { when host under "a.test" and host == "x.a.test" action allow }`,
    ['host under "a.test"'],
  ],
  [
    "the narrower of two joined by or",
    `policy p { when host under "a.test" or host == "x.a.test" action allow }`,
    ['host == "x.a.test"'],
  ],
  ["bounds within bounds", `policy p { when port > 10 and port > 20 action allow }`, ["port > 10"]],
  ["a negation that follows", `policy p { when port == 1 and port != 2 action allow }`, ["port != 2"]],
  ["when and require", `policy p { when port == 1 require port == 1 action allow }`, ["port == 1"]],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  ["different values", `policy p { when port == 1 or port == 2 action allow }`],
  [
    "a pattern beside an address that opens it",
    `policy p { when host =~ "^10\\.0\\.0\\.1$" and host == "10.0.0.1" action allow }`,
  ],
  ["a name beside addresses", `policy p { when dest.ip in 10.0.0.0/8 and host under "a.test" action allow }`],
  ["ranges that overlap", `policy p { when port >= 10 and port <= 20 action allow }`],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

test.each([
  ['port == 1 and host == "a" and port == 1', 'port == 1 and host == "a"'],
  ['(port == 1) and (host == "a") and (port == 1)', '(port == 1) and (host == "a")'],
  [
    'not (host =~ "(x") or port == 1 or not (host =~ "(x")'.replaceAll("(x", "[(]x"),
    'not (host =~ "[(]x") or port == 1',
  ],
  ["port == 1 and port == 1 and port == 1", "port == 1"],
])("--fix leaves one of them: %s", (before, after) => {
  expect(fixed(`policy p { when ${before} action allow }`)).toBe(`policy p { when ${after} action allow }`);
});

test("--fix leaves what is not word for word the same", () => {
  const text = 'policy p { when host under "a.test" and host == "x.a.test" action allow }';
  expect(fixed(text)).toBe(text);
});

/** Parts of conditions that say nothing. */
import { expect, test } from "bun:test";
import { fixed, found } from "./support.ts";

const RULE = "constant-condition";

test.each([
  ["two constants", `policy p { when 1 == 1 and port == 1 action allow }`, ["1 == 1"]],
  ["a port is a port", `policy p { when port <= 65535 action allow }`, ["port <= 65535"]],
  ["no port is so large", `policy p { when port > 70000 action allow }`, ["port > 70000"]],
  ["an empty list", `policy p { when host in [] action allow }`, ["host in []"]],
  ["everything", `policy p { when host =~ ".*" action allow }`, ['host =~ ".*"']],
  ["all addresses", `policy p { when dest.ip in [0.0.0.0/0, ::/0] action allow }`, ["dest.ip in [0.0.0.0/0, ::/0]"]],
  ["one or the other", `policy p { when port == 1 or port != 1 action allow }`, ["port == 1 or port != 1"]],
  [
    "all days",
    `policy p { when weekday in ["mon-sun"] zone "UTC" action allow }`,
    ['weekday in ["mon-sun"] zone "UTC"'],
  ],
  ["in a route", `route r { when true == true use ["x"] }`, ["true == true"]],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  ["half of all addresses", `policy p { when dest.ip in 0.0.0.0/0 action allow }`],
  ["some port", `policy p { when port > 0 action allow }`],
  ["a number without bounds", `policy p { when risk.score >= 0 action allow }`],
  ["a pattern for something", `policy p { when host =~ "a" action allow }`],
  ["no action is a condition", `policy p { action allow }`],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

test.each([
  ["true == true and port == 1", "port == 1"],
  ["port == 1 and true == true", "port == 1"],
  ['(port == 1) and (true == true) and host == "a"', '(port == 1) and host == "a"'],
  ["port == 1 or 1 > 2", "port == 1"],
  ["(1 > 2) or (port == 1)", "(port == 1)"],
  ["not (port == 1 and (2 == 2))", "not (port == 1)"],
])("--fix takes constants out: %s", (before, after) => {
  expect(fixed(`policy p { when ${before} action allow }`)).toBe(`policy p { when ${after} action allow }`);
});

test("--fix takes a clause out that is always true, with its line", () => {
  expect(fixed("policy p {\n  when { true == true }\n  action allow\n}\n")).toBe("policy p {\n  action allow\n}\n");
});

test.each([
  "port == 1 or true == true",
  "port == 1 and 1 > 2",
  "1 > 2",
  "port >= 0",
  "true == true # why\n and port == 1",
])("--fix leaves what it would change: %s", (condition) => {
  const text = `policy p { when ${condition} action allow }`;
  expect(found(RULE, text)).not.toEqual([]);
  expect(fixed(text)).toBe(text);
});

/** Hosts that are not written as they are compared. */
import { expect, test } from "bun:test";
import { fixed, found } from "./support.ts";

const RULE = "host-spelling";

test.each([
  ["upper case", `policy p { when host == "A.test" action allow }`, ['"A.test"']],
  ["a trailing dot, in a list", `policy p { when host in ["a.test", "b.test."] action allow }`, ['"b.test."']],
  ["an address", `policy p { when host == "127.1" action allow }`, ['"127.1"']],
  ["an internationalised name", `policy p { when host under "bücher.example" action allow }`, ['"bücher.example"']],
  [
    "in a set of hosts",
    `set s = ["A.test"]
policy p { when host in s action allow }`,
    ['"A.test"'],
  ],
  ["the other way round", `policy p { when "A.test" == host action allow }`, ['"A.test"']],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  ["as compared", `policy p { when host == "a.test" action allow }`],
  ["another fact", `policy p { when client.cn == "A.test" action allow }`],
  [
    "a set that is used for texts as well",
    `set s = ["A.test"]
policy p { when host in s action allow }
policy q { when client.cn in s action allow }`,
  ],
  ["a pattern", `policy p { when host =~ "^(?i)A\\.test$" action allow }`],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

test("--fix writes it as it is compared", () => {
  expect(fixed('policy p { when host in ["A.test.", e"b\\u{2e}test"] action allow }')).toBe(
    'policy p { when host in ["a.test", e"b\\u{2e}test"] action allow }',
  );
});

/** Texts that no host can be. */
import { expect, test } from "bun:test";
import { found } from "./support.ts";

const RULE = "host-never-matches";

test.each([
  ["a wildcard", `policy p { when host == "*.a.test" action allow }`, ['"*.a.test"']],
  ["in a list", `policy p { when host in ["a.test", "b c"] action allow }`, ['"b c"']],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  ["a host", `policy p { when host == "a.test" action allow }`],
  ["another fact", `policy p { when client.cn == "*.a.test" action allow }`],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

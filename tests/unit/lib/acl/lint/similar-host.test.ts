/** Hosts that are taken for each other. */
import { expect, test } from "bun:test";
import { found } from "./support.ts";

const RULE = "similar-host";

test.each([
  [
    "two swapped letters",
    `policy p { when host == "gitlab.a.test" or host == "gitalb.a.test" action allow }`,
    ['"gitalb.a.test"'],
  ],
  [
    "a doubled letter",
    `set s = ["mattermost.test"]
policy p { when host in s or host == "matermost.test" action allow }`,
    ['"matermost.test"'],
  ],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  [
    "the same host in two spellings",
    `policy p { when host == "gitlab.a.test" or host under "GITLAB.a.test" action allow }`,
  ],
  ["numbers", `policy p { when host in ["node1.a.test", "node2.a.test"] action allow }`],
  ["short words", `policy p { when host in ["ab.a.test", "ba.a.test"] action allow }`],
  ["other words", `policy p { when host in ["gitlab.a.test", "github.a.test"] action allow }`],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

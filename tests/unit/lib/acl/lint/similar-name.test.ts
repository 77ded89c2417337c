/** Names that are taken for each other. */
import { expect, test } from "bun:test";
import { found } from "./support.ts";

const RULE = "similar-name";

test.each([
  [
    "a separator",
    `policy git_ssh { when port == 1 action allow }
policy git-ssh { when port == 2 action allow }`,
    ["git-ssh"],
  ],
  [
    "case",
    `policy Web { when port == 1 action allow }
policy web { when port == 2 action allow }`,
    ["web"],
  ],
  [
    "a doubled letter",
    `policy payroll { when port == 1 action allow }
policy payrol { when port == 2 action allow }`,
    ["payrol"],
  ],
  [
    "two swapped letters",
    `policy payroll { when port == 1 action allow }
policy paryoll { when port == 2 action allow }`,
    ["paryoll"],
  ],
  [
    "sets",
    `set hosts_a = ["a"]
set hosts-a = ["b"]
policy p { when host in hosts_a or host in hosts-a action allow }`,
    ["hosts-a"],
  ],
  ["backends", `route r { use ["paris", "Paris"] }`, ['"Paris"']],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  [
    "numbers",
    `policy web1 { when port == 1 action allow }
policy web2 { when port == 2 action allow }`,
  ],
  [
    "one letter of many",
    `policy allow_a { when port == 1 action allow }
policy allow_b { when port == 2 action allow }`,
  ],
  [
    "short words",
    `policy ab { when port == 1 action allow }
policy ba { when port == 2 action allow }`,
  ],
  [
    "a policy and a set",
    `set web = ["a"]
policy Web { when host in web action allow }`,
  ],
  [
    "one backend in two routes",
    `route r { use ["paris"] }
route s { use ["paris"] }`,
  ],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

/** Refusals that an earlier allow leaves nothing to refuse. */
import { expect, test } from "bun:test";
import { found } from "./support.ts";

const RULE = "deny-after-allow";

test.each([
  [
    "a deny behind an allow of everything",
    `policy all { action allow }
policy no { when host == "a.test" action deny }`,
    ["no"],
  ],
  [
    "a challenge behind a redirect",
    `policy r { when host under "a.test" action redirect "b.test" }
policy b { action allow }
policy c { when host == "x.a.test" action challenge "why" }`,
    ["c"],
  ],
  [
    "the same conditions",
    `policy a { when port == 1 action allow }
policy d { when port == 1 action deny }`,
    ["d"],
  ],
  [
    "across spellings of one meaning",
    `policy a { when port >= 1000 and port < 2000 action allow }
policy d { when port in [1500-1600] action deny }`,
    ["d"],
  ],
  [
    "through a set",
    `set s = ["a.test", "b.test"]
policy a { when host in s action allow }
policy d { when host == "b.test" and port == 1 action deny }`,
    ["d"],
  ],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  [
    "a deny in front",
    `policy d { when host == "a.test" action deny }
policy all { action allow }`,
  ],
  [
    "an allow that is narrower",
    `policy a { when host == "a.test" and port == 443 action allow }
policy d { when host == "a.test" action deny }`,
  ],
  [
    "a log is not the end",
    `policy l { action log }
policy d { when port == 1 action deny }`,
  ],
  [
    "behind a deny of the same",
    `policy d1 { when port == 1 action deny }
policy a { when port == 1 action allow }
policy d2 { when port == 1 action deny }`,
  ],
  [
    "a pattern that cannot be compared",
    `policy a { when host =~ "^[a-z]+$" action allow }
policy d { when host == "a1" action deny }`,
  ],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

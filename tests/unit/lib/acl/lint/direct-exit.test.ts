/** Allows that let out directly what a route sends to a backend. */
import { expect, test } from "bun:test";
import { found } from "./support.ts";

const RULE = "direct-exit";

test.each([
  [
    "the same hosts",
    `route r { when host under "a.test" use ["b"] }
policy p { when host under "a.test" action allow }`,
    ["p"],
  ],
  [
    "everything",
    `route r { when host == "a" use ["b"] }
policy p { action allow }`,
    ["p"],
  ],
  [
    "a route for everything",
    `route r { use ["b"] }
policy p { when port == 443 action allow }`,
    ["p"],
  ],
  [
    "two policies",
    `route r { use ["b"] }
policy p { when port == 443 action allow }
policy q { when host == "a" action allow }`,
    ["p", "q"],
  ],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  [
    "asked for",
    `route r { when host under "a.test" use ["b"] }
policy p { when host under "a.test" require route.local == false action allow }`,
  ],
  [
    "a direct exit on purpose",
    `route r { use ["b"] }
policy p { when host == "a" and route.local == true action allow }
policy q { when route.local == false action allow }`,
  ],
  [
    "other hosts",
    `route r { when host under "a.test" use ["b"] }
policy p { when host == "b.test" action allow }`,
  ],
  [
    "denied before",
    `route r { when host under "a.test" use ["b"] }
policy d { when host under "a.test" and route.local == true action deny }
policy p { when host under "a.test" action allow }`,
  ],
  ["no routes", `policy p { when host == "a" action allow }`],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

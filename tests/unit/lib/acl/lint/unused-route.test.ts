/** Routes that no policy lets through. */
import { expect, test } from "bun:test";
import { found } from "./support.ts";

const RULE = "unused-route";

test.each([
  [
    "nothing is allowed there",
    `route r { when host == "a" use ["b"] }
policy p { when host == "c" action allow }`,
    ["r"],
  ],
  [
    "only directly",
    `route r { when host == "a" use ["b"] }
policy p { when host == "a" and route.local == true action allow }`,
    ["r"],
  ],
  [
    "nothing is allowed at all",
    `route r { use ["b"] }
policy p { action deny }`,
    ["r"],
  ],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  [
    "allowed",
    `route r { when host == "a" use ["b"] }
policy p { when host == "a" action allow }`,
  ],
  [
    "perhaps allowed",
    `route r { when host == "a" use ["b"] }
policy p { when client.cn == "c" action allow }`,
  ],
  [
    "a route that is never taken is told by another rule",
    `route r { when host == "a" and host == "b" use ["b"] }
policy p { when host == "c" action allow }`,
  ],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

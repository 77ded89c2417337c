/** Allows that only say which addresses are not meant. */
import { expect, test } from "bun:test";
import { found } from "./support.ts";

const RULE = "negated-address";

test.each([
  ["a not", `policy p { when not (dest.ip in 10.0.0.0/8) action allow }`, ["dest.ip in 10.0.0.0/8"]],
  [
    "not in",
    `policy p { when port == 443 and dest.ip not in [10.0.0.0/8] action allow }`,
    ["dest.ip not in [10.0.0.0/8]"],
  ],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  ["one that is meant too", `policy p { when dest.ip in 10.0.0.0/8 and dest.ip != 10.0.0.1 action allow }`],
  ["a deny", `policy p { when dest.ip not in 10.0.0.0/8 action deny }`],
  ["another address", `policy p { when client.ip not in 10.0.0.0/8 action allow }`],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

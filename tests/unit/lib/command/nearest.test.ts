/** "Did you mean": near names are found, far ones are not. */

import { expect, test } from "bun:test";
import { nearest } from "../../../../lib/command/nearest.ts";

test.each([
  ["--listne", "--listen"],
  ["--LISTEN", "--listen"],
  ["--acll", "--acl"],
  ["--quite", "--quiet"],
  ["--frobnicate", undefined],
  ["", undefined],
])("nearest() of %j is %p", (name, found) => {
  expect(nearest(name, ["--listen", "--acl", "--quiet"])).toBe(found);
});

test("nearest() prefers the first of equals, and the exact one over all", () => {
  expect(nearest("ab", ["ax", "ay"])).toBe("ax");
  expect(nearest("ay", ["ax", "ay"])).toBe("ay");
});

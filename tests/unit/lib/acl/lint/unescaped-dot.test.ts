/** Dots that match any character. */
import { expect, test } from "bun:test";
import { found } from "./support.ts";

const RULE = "unescaped-dot";

test.each([
  ["between labels", `policy p { when host =~ "^a.b$" action allow }`, ['host =~ "^a.b$"']],
  ["in a deny", `policy p { when host =~ "(^|\\.)corp.test$" action deny }`, ['host =~ "(^|\\.)corp.test$"']],
])("fires: %s", (_, text, expected) => {
  expect(found(RULE, text)).toEqual(expected);
});

test.each([
  ["escaped", `policy p { when host =~ "^a\\.b$" action allow }`],
  ["in brackets", `policy p { when host =~ "^a[.]b$" action allow }`],
  ["any number of characters", `policy p { when host =~ "^a.*b$" action allow }`],
  ["one character on purpose", `policy p { when host =~ "^.\\.b$" action allow }`],
  ["behind an escape of its own", `policy p { when host =~ "^\\d.b$" action allow }`],
  ["another fact", `policy p { when path =~ "^/a.b$" action allow }`],
])("is quiet: %s", (_, text) => {
  expect(found(RULE, text)).toEqual([]);
});

/** RFC 9110 section 13.1, on the tag that is shown. */
import { expect, test } from "bun:test";
import { holdsIfMatch, holdsIfNoneMatch, holdsIfRange } from "../../../../../commands/s3crypt/serve/conditions.ts";

const TAG = '"0123456789abcdef0123456789abcdef"';

test.each([
  [undefined, true, true],
  ["*", true, false],
  [TAG, true, false],
  [TAG.slice(1, -1), true, false],
  [`"a", ${TAG}`, true, false],
  [`W/${TAG}`, true, false],
  ['"a"', false, true],
  ['"a", "b"', false, true],
  ["", false, true],
])("%s", (field, match, noneMatch) => {
  expect([holdsIfMatch(field, TAG), holdsIfNoneMatch(field, TAG)]).toEqual([match, noneMatch]);
});

test("a tag that is not known matches nothing but *", () => {
  expect([holdsIfMatch(TAG, undefined), holdsIfMatch("*", undefined)]).toEqual([false, true]);
  expect([holdsIfNoneMatch(TAG, undefined), holdsIfNoneMatch("*", undefined)]).toEqual([true, false]);
});

const DATE = "Thu, 26 Nov 2026 15:00:00 GMT";

test.each([
  [undefined, TAG, DATE, true],
  [TAG, TAG, DATE, true],
  [`W/${TAG}`, TAG, DATE, false],
  ['"a"', TAG, DATE, false],
  [TAG, undefined, DATE, false],
  [DATE, TAG, DATE, true],
  ["Thu, 26 Nov 2026 15:00:01 GMT", TAG, DATE, false],
  [DATE, TAG, undefined, false],
])("If-Range: %s of %s and %s", (field, tag, date, holds) => {
  expect(holdsIfRange(field, tag, date)).toBe(holds);
});

/** Parts that are asked for by their number, as ranges of the plaintext. */
import { expect, test } from "bun:test";
import { asOnePart, askingPart, withParts } from "../../../../../commands/s3crypt/serve/part-number.ts";
import { S3Trouble } from "../../../../../commands/s3crypt/serve/s3-trouble.ts";

const NONE = { match: '"m"', noneMatch: undefined, ifRange: '"r"', range: "bytes=1-2" };
const PARTS = [
  { plainAt: 0, plain: 10 },
  { plainAt: 10, plain: 0 },
  { plainAt: 10, plain: 5 },
];
const refusal = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    return error instanceof S3Trouble ? [error.status, error.s3Code] : error;
  }
  return undefined;
};

test("where no part is asked for all stays as it was", () => {
  expect(askingPart(NONE, undefined)).toBe(NONE);
  expect(withParts(NONE, PARTS)).toBe(NONE);
  expect(asOnePart(NONE, 10)).toMatchObject(NONE);
});

test.each([
  [1, "bytes=0-9"],
  [2, undefined],
  [3, "bytes=10-14"],
])("part %d of three", (part, range) => {
  const asked = withParts(askingPart(NONE, part), PARTS);
  expect(asked).toMatchObject({ match: '"m"', ifRange: undefined, range, parts: 3 });
});

test.each([
  [10, "bytes=0-9"],
  [0, undefined],
  [undefined, undefined],
])("part 1 of %p bytes that were written as one is all, and no count is told", (total, range) => {
  expect(asOnePart(askingPart(NONE, 1), total)).toMatchObject({ range, parts: undefined });
});

test("a part that there is not is 416", () => {
  expect(refusal(() => withParts(askingPart(NONE, 4), PARTS))).toEqual([416, "InvalidPartNumber"]);
  expect(refusal(() => asOnePart(askingPart(NONE, 2), 10))).toEqual([416, "InvalidPartNumber"]);
});

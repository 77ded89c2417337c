/** Sets of numbers against a list of all numbers that can tell them apart. */
import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import {
  ALL_NUMBERS,
  complement,
  type Domain,
  type Interval,
  intersect,
  isSubset,
  normalise,
} from "../../../../../../lib/acl/lint/engine/intervals.ts";

setDefaultTimeout(60_000);

const WHOLE: Domain = { low: 0, high: 9, whole: true };
const REAL: Domain = { low: 0, high: 9, whole: false };
const samplesOf = ({ whole }: Domain): number[] =>
  Array.from({ length: whole ? 10 : 37 }, (_, i) => (whole ? i : i / 4));

const has = (list: readonly Interval[], x: number): boolean =>
  list.some(({ low, high, lowOpen, highOpen }) => (lowOpen ? x > low : x >= low) && (highOpen ? x < high : x <= high));

const interval = fc.record({
  low: fc.integer({ min: -2, max: 11 }),
  high: fc.integer({ min: -2, max: 11 }),
  lowOpen: fc.boolean(),
  highOpen: fc.boolean(),
});
const lists = fc.array(interval, { maxLength: 6 });

test.each([
  ["whole numbers", WHOLE],
  ["all numbers", REAL],
])("of %s: union, complement, intersection and inclusion", (_, domain) => {
  fc.assert(
    fc.property(lists, lists, (some, more) => {
      const [x, y] = [normalise(some, domain), normalise(more, domain)];
      const samples = samplesOf(domain);
      for (const at of samples) {
        expect(has(x, at)).toBe(has(some, at));
        expect(has(complement(x, domain), at)).toBe(!has(some, at));
        expect(has(intersect(x, y), at)).toBe(has(some, at) && has(more, at));
      }
      expect(isSubset(x, y)).toBe(samples.every((at) => !has(some, at) || has(more, at)));
      expect(complement(complement(x, domain), domain)).toHaveLength(x.length);
    }),
    { numRuns: 500 },
  );
});

test("numbers beyond what a double holds stay apart", () => {
  const [low, high] = [2n ** 60n, 2n ** 60n + 1n];
  const one = normalise([{ low, high: low }], ALL_NUMBERS);
  const other = normalise([{ low: high, high }], ALL_NUMBERS);
  expect(intersect(one, other)).toEqual([]);
  expect(isSubset(one, complement(other, ALL_NUMBERS))).toBe(true);
  expect(complement([], ALL_NUMBERS)).toHaveLength(1);
});

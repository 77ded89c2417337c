/** Medians, quantiles and the direction of ratios. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { bestOf, quantile, ratio, ratiosByRound, rotate, spread } from "../../../bench/support/stats.ts";

describe("spread", () => {
  test("takes the middle of an odd count and the mean of the middle two of an even one", () => {
    expect(spread([9, 1, 5])).toEqual({ median: 5, min: 1, max: 9 });
    expect(spread([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(spread([10, 9])).toEqual({ median: 9.5, min: 9, max: 10 });
  });

  test("has no value for no values, and leaves its input alone", () => {
    expect(spread([])).toBeUndefined();
    const values = [3, 1, 2];
    spread(values);
    expect(values).toEqual([3, 1, 2]);
  });

  test("lies between the extremes", () => {
    const values = fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 });
    fc.assert(
      fc.property(values, (list) => {
        const { median, min, max } = spread(list)!;
        expect(min <= median && median <= max).toBe(true);
        expect(list.filter((value) => value <= median).length * 2).toBeGreaterThanOrEqual(list.length);
      }),
    );
  });
});

describe("quantile", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);

  test("is the nearest rank", () => {
    expect(quantile(hundred, 0.5)).toBe(50);
    expect(quantile(hundred, 0.99)).toBe(99);
    expect(quantile(hundred, 0)).toBe(1);
    expect(quantile(hundred, 1)).toBe(100);
    expect(quantile([7], 0.99)).toBe(7);
  });

  test("is NaN of nothing", () => {
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe("ratio", () => {
  test("is above 1 when ours is better, in both directions", () => {
    expect(ratio("higher", 300, 100)).toBe(3);
    expect(ratio("lower", 100, 300)).toBe(3);
    expect(ratio("higher", 100, 400)).toBe(0.25);
    expect(ratio("lower", 400, 100)).toBe(0.25);
  });

  test("says nothing about values that are not positive", () => {
    for (const value of [0, -1, Number.NaN]) {
      expect(ratio("lower", value, 5)).toBeUndefined();
      expect(ratio("higher", 5, value)).toBeUndefined();
    }
  });

  test("of swapped sides is the inverse", () => {
    const positive = fc.integer({ min: 1, max: 1_000_000 });
    fc.assert(
      fc.property(fc.constantFrom("higher", "lower"), positive, positive, (better, a, b) => {
        expect(ratio(better, a, b)! * ratio(better, b, a)!).toBeCloseTo(1, 9);
      }),
    );
  });
});

test("rounds without a value on either side give no ratio", () => {
  expect(ratiosByRound("higher", [10, undefined, 30, 40], [5, 5, undefined, 10])).toEqual([2, 4]);
  expect(ratiosByRound("lower", [10, 20], [20])).toEqual([2]);
});

test("the best is the highest or the lowest, by the row's direction", () => {
  const medians = new Map([
    ["a", 5],
    ["b", 9],
    ["c", 2],
    ["d", Number.NaN],
  ]);
  expect(bestOf("higher", medians)).toBe("b");
  expect(bestOf("lower", medians)).toBe("c");
  expect(bestOf("lower", new Map())).toBeUndefined();
});

test("over as many rounds as contenders, rotation puts each in each place once", () => {
  const names = ["a", "b", "c"];
  const orders = names.map((_, round) => rotate(names, round));
  expect(orders).toEqual([
    ["a", "b", "c"],
    ["b", "c", "a"],
    ["c", "a", "b"],
  ]);
  expect(rotate(names, 4)).toEqual(["b", "c", "a"]);
  expect(rotate([], 3)).toEqual([]);
});

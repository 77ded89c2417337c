/** The recent past of values. */
import { describe, expect, test } from "bun:test";
import { SAMPLES, Series, SeriesStore } from "../../../../lib/status/series.ts";

describe("a series", () => {
  test("of a counter is how fast it grew; what begins anew did not shrink", () => {
    const series = new Series();
    series.grew(1000, 0);
    expect(series.samples).toEqual([]);
    series.grew(1010, 5);
    series.grew(1010, 5);
    series.grew(3, 5);
    series.grew(8, 2.5);
    expect(series.samples).toEqual([2, 0, 0, 2]);
    expect(series.now).toBe(2);
    expect(series.sum).toBe(4);
  });

  test("keeps the last samples, oldest first", () => {
    const series = new Series();
    for (let i = 0; i < SAMPLES * 2 + 7; i++) series.was(i);
    expect(series.samples).toEqual(Array.from({ length: SAMPLES }, (_, i) => SAMPLES + 7 + i));
    expect(series.now).toBe(SAMPLES * 2 + 6);
  });
});

describe("a store", () => {
  const gauge = (key: string, value: number) => ({ key, type: "gauge" as const, value });

  test("forgets what is no longer there", () => {
    const store = new SeriesStore();
    store.take([gauge("a", 1), gauge("b", 2)], 0);
    store.take([gauge("b", 3)], 5);
    expect(store.get("a")).toBeUndefined();
    expect(store.get("b")!.samples).toEqual([2, 3]);
    expect(store.length).toBe(2);
  });

  test("a counter that comes up later has grown from nothing; one that was there from the start is not known", () => {
    const store = new SeriesStore();
    const counter = (key: string, value: number) => ({ key, type: "counter" as const, value });
    store.take([counter("old", 1000)], 0);
    store.take([counter("old", 1000), counter("new", 20)], 5);
    expect(store.get("old")!.samples).toEqual([0]);
    expect(store.get("new")!.samples).toEqual([4]);
  });

  test("is bounded, whatever there is to keep: those of before stay", () => {
    const store = new SeriesStore();
    store.take([gauge("first", 1)], 0);
    const many = Array.from({ length: 100_000 }, (_, i) => gauge(`n${i}`, i));
    store.take([...many, gauge("first", 2)], 5);
    expect(store.get("first")!.samples).toEqual([1, 2]);
    expect(many.filter(({ key }) => store.get(key) !== undefined).length).toBeLessThan(1000);
  });
});

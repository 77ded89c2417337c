/** Packed rows: what went in comes out, however much it is and in whatever script. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { PackedRows } from "../../../../lib/context/packed-rows.ts";

test("more rows than there was room for at first", () => {
  const rows = new PackedRows();
  for (let i = 0; i < 10_000; i++) expect(rows.add(`key ${i}`, [i, [`日本 ${i}`], true])).toBe(true);
  rows.seal();
  expect(rows.size).toBe(10_000);
  for (const i of [0, 1, 4999, 9999]) expect(rows.find(`key ${i}`)).toEqual([i, [`日本 ${i}`], true]);
  expect(rows.find("key 10000")).toBeUndefined();
});

test("a key has one row", () => {
  const rows = new PackedRows();
  expect([rows.add("a", [1]), rows.add("a", [2]), rows.add("b", [3])]).toEqual([true, false, true]);
  expect([rows.find("a"), rows.find("b"), rows.size]).toEqual([[1], [3], 2]);
});

test("whatever the keys and values", () => {
  const value = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.integer(),
    fc.boolean(),
    fc.constant(undefined),
    fc.array(fc.string()),
  );
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.string({ unit: "grapheme" }), value), { selector: ([key]) => key }),
      (all) => {
        const rows = new PackedRows();
        for (const [key, one] of all) rows.add(key, [one]);
        rows.seal();
        for (const [key, one] of all) expect(rows.find(key)).toEqual([one]);
      },
    ),
  );
});

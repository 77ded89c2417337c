/** PostingTable against a map of lists. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { PostingTable } from "../../../../../lib/acl/tables/posting-table.ts";

function listOf(table: PostingTable, key: number): number[] | undefined {
  return table.find(key) ? [...table.clauses.subarray(table.from, table.to)] : undefined;
}

test("a key finds the clauses that were added under it, in their order", () => {
  const key = fc.oneof(fc.integer({ min: -2, max: 20 }), fc.integer());
  fc.assert(
    fc.property(fc.array(key, { maxLength: 300 }), fc.array(key, { maxLength: 20 }), (keys, others) => {
      const table = new PostingTable();
      const lists = new Map<number, number[]>();
      for (const [clause, one] of keys.entries()) {
        table.add(one, clause);
        lists.set(one, [...(lists.get(one) ?? []), clause]);
      }
      table.build();
      for (const one of [...keys, ...others]) expect(listOf(table, one)).toEqual(lists.get(one)!);
    }),
  );
});

test("an empty table finds nothing", () => {
  const table = new PostingTable();
  table.build();
  expect(listOf(table, 0)).toBeUndefined();
});

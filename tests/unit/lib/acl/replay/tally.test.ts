/** A tally counts all, and keeps only so many groups. */
import { expect, test } from "bun:test";
import { type Side, Tally, topTargets } from "../../../../../lib/acl/replay/tally.ts";

const side = (decision: string, policy: string | null): Side => ({
  decision,
  policy,
  why: undefined,
  redirected: undefined,
});

test("changes are grouped by both sides and counted by target, most frequent first", () => {
  const tally = new Tally();
  for (const target of ["a:1", "b:1", "b:1", "c:1"]) tally.change(side("allow", "p"), side("deny", "q"), target);
  tally.change(side("allow", "p"), side("deny", null), "a:1");
  const [first, second] = tally.changes;
  expect(tally.changed).toBe(5);
  expect([first!.count, second!.count]).toEqual([4, 1]);
  expect(topTargets(first!, 2)).toEqual({
    top: [
      ["b:1", 2],
      ["a:1", 1],
    ],
    rest: 1,
  });
  expect(second!.to.policy).toBeNull();
});

test("a policy that is called as the default is not the default", () => {
  const tally = new Tally();
  tally.change(side("allow", "p"), side("deny", ""), "a:1");
  tally.change(side("allow", "p"), side("deny", null), "a:1");
  expect(tally.changes).toHaveLength(2);
});

test("targets beyond the bound are counted together, those that are known go on", () => {
  const tally = new Tally(2);
  for (const target of ["a", "b", "c", "d", "a"]) tally.change(side("allow", "p"), side("deny", "q"), target);
  const [change] = tally.changes;
  expect(change).toMatchObject({ count: 5, other: 2 });
  expect([...change!.targets]).toEqual([
    ["a", 2],
    ["b", 1],
  ]);
  expect(topTargets(change!, 10).rest).toBe(2);
});

test("changes beyond the bound are only summed", () => {
  const tally = new Tally(10, 1);
  tally.change(side("allow", "p"), side("deny", "q"), "a");
  tally.change(side("allow", "p"), side("deny", "r"), "a");
  expect([tally.changed, tally.other, tally.changes.length]).toEqual([2, 1, 1]);
});

test("what is decided alike by another policy is told apart, and facts are counted", () => {
  const tally = new Tally();
  tally.same(side("deny", "p"), side("deny", "p"));
  tally.same(side("deny", "p"), side("deny", null));
  for (const fact of ["host", "port", "port"]) tally.lack(fact);
  expect([tally.unchanged, tally.elsewhere, tally.lacking]).toEqual([2, 1, 3]);
  expect(tally.facts).toEqual([
    ["port", 2],
    ["host", 1],
  ]);
});

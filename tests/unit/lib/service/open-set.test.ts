/** What is open: counted, waited for, cut. */
import { expect, test } from "bun:test";
import { OpenSet } from "../../../../lib/service/open-set.ts";

function begin() {
  const open = new OpenSet<{ cut(): void }>();
  const cut: number[] = [];
  const made = [0, 1, 2].map((nth) => {
    const one = { cut: () => (cut.push(nth), open.leave(one)) };
    open.enter(one);
    return one;
  });
  return { open, made, cut };
}

test("what opens is there until it is gone, in order", () => {
  const { open, made } = begin();
  expect([open.size, ...open]).toEqual([3, ...made]);
  open.leave(made[1]!);
  expect([open.size, ...open]).toEqual([2, made[0]!, made[2]!]);
});

test("that nothing is open is told once the last one is gone, and at once where there is none", async () => {
  const { open, made } = begin();
  const seen: string[] = [];
  const emptied = open.emptied().then(() => seen.push("emptied"));
  for (const one of made) {
    await Promise.resolve();
    seen.push("one leaves");
    open.leave(one);
  }
  await emptied;
  expect(seen).toEqual(["one leaves", "one leaves", "one leaves", "emptied"]);
  expect(await new OpenSet().emptied()).toBeUndefined();
});

test("a cut ends all, also those that are gone by it", async () => {
  const { open, cut } = begin();
  const emptied = open.emptied();
  open.cut();
  await emptied;
  expect([cut, open.size]).toEqual([[0, 1, 2], 0]);
});

/** What associations share: a clock that runs only while there are any, and bounds of what all of them keep. */
import { expect, test } from "bun:test";
import { Associations } from "../../../../commands/socks/associations.ts";

test("the clock ticks while there is an association, for each of them, and stops with the last", async () => {
  const all = new Associations(20);
  const ticks: string[] = [];
  const one = { tick: (now: number) => void ticks.push(`one ${now === all.now}`) };
  const two = { tick: (now: number) => void ticks.push(`two ${now === all.now}`) };
  await Bun.sleep(30);
  expect([ticks, all.now]).toEqual([[], 0]);
  all.enter(one);
  all.enter(two);
  expect(all.now).toBeGreaterThan(0);
  while (ticks.length < 4) await Bun.sleep(5);
  expect(new Set(ticks)).toEqual(new Set(["one true", "two true"]));
  all.leave(one);
  ticks.length = 0;
  while (ticks.length < 2) await Bun.sleep(5);
  expect(new Set(ticks)).toEqual(new Set(["two true"]));
  all.leave(two);
  ticks.length = 0;
  await Bun.sleep(30);
  expect(ticks).toEqual([]);
});

test("what waits is bounded by its bytes, and given back", () => {
  const all = new Associations(0);
  const piece = 1024 * 1024;
  let held = 0;
  while (all.wait(piece)) held++;
  expect(held).toBe(16);
  all.passed(piece);
  expect([all.wait(piece), all.wait(1)]).toEqual([true, false]);
});

test("destinations are bounded by their number, and given back", () => {
  const all = new Associations(0);
  let kept = 0;
  while (all.keep()) kept++;
  expect(kept).toBe(65_536);
  all.forget();
  expect([all.keep(), all.keep()]).toEqual([true, false]);
});

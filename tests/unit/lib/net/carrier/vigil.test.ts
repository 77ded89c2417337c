/** Who waits for events stays awake while they come fast, and sleeps when they do not. */
import { expect, test } from "bun:test";
import { Vigil } from "../../../../../lib/net/carrier/vigil.ts";

/** Events that come at given times; a look takes a microsecond, and a sleep lasts until the next event or its end. */
function world(events: number[]) {
  let now = 0;
  const seen = { looks: 0, sleeps: 0, gaveWay: 0 };
  const take = () => {
    const count = events.filter((at) => at <= now).length;
    events.splice(0, count);
    return count;
  };
  const poll = {
    wait(timeout: number) {
      now += 0.001;
      if (timeout === 0) {
        seen.looks++;
        return take();
      }
      seen.sleeps++;
      const end = timeout < 0 ? Infinity : now + timeout;
      now = Math.max(now, Math.min(end, events[0] ?? Infinity));
      return take();
    },
  };
  const vigil = new Vigil(poll, { now: () => now, giveWay: () => void seen.gaveWay++ });
  return { vigil, seen, now: () => now };
}

const every = (step: number, count: number) => Array.from({ length: count }, (_, i) => (i + 1) * step);

test("who is woken soon stays awake for the next one, and lets others go first meanwhile", () => {
  const { vigil, seen } = world(every(0.05, 100));
  for (let i = 0; i < 100; i++) expect(vigil.wait(-1)).toBe(1);
  expect(seen.sleeps).toBeLessThan(10);
  expect(seen.gaveWay).toBe(seen.looks - (100 - seen.sleeps));
});

test("who sleeps long is not awake for anything", () => {
  const { vigil, seen } = world(every(1, 100));
  for (let i = 0; i < 100; i++) expect(vigil.wait(-1)).toBe(1);
  expect(seen).toEqual({ looks: 0, sleeps: 100, gaveWay: 0 });
});

test("when events become rare it has soon slept again", () => {
  const { vigil, seen, now } = world([...every(0.05, 20), ...every(1, 20).map((at) => at + 1)]);
  for (let i = 0; i < 20; i++) vigil.wait(-1);
  const { looks } = seen;
  const awake = now();
  for (let i = 0; i < 20; i++) vigil.wait(-1);
  // The longest moment, once.
  expect(seen.looks - looks).toBeLessThanOrEqual(101);
  expect(now()).toBeGreaterThan(awake + 19);
});

test("without events it waits as long as it is told, and not at all for nothing", () => {
  const { vigil, seen, now } = world(every(0.05, 5));
  for (let i = 0; i < 5; i++) vigil.wait(-1);
  const before = now();
  expect(vigil.wait(20)).toBe(0);
  expect(now() - before).toBeWithin(20, 20.2);
  expect(vigil.wait(0)).toBe(0);
  expect(seen.sleeps).toBeGreaterThan(0);
});

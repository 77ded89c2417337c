/** Bulk gives way to whoever waits for the processor, and not again too soon to one who has work of its own. */
import { expect, test } from "bun:test";
import { Courtesy } from "../../../../lib/net/courtesy.ts";

/** Others who keep the processor for `away` milliseconds whenever they get it; a piece of bulk takes us 0.1 ms. */
function world(away: number) {
  let now = 0;
  const seen = { gaveWay: 0 };
  const courtesy = new Courtesy({
    now: () => now,
    giveWay() {
      seen.gaveWay++;
      now += away;
    },
  });
  const write = () => {
    now += 0.1;
    courtesy.show();
  };
  return { seen, write, now: () => now };
}

test("after every piece, to a receiver that is soon done", () => {
  const { seen, write } = world(0.3);
  for (let i = 0; i < 1000; i++) write();
  expect(seen.gaveWay).toBe(1000);
});

test("a third of the time is left where somebody works all the time", () => {
  const { seen, write, now } = world(3);
  for (let i = 0; i < 1000; i++) write();
  expect(seen.gaveWay).toBeGreaterThan(1);
  const share = (1000 * 0.1) / now();
  expect(share).toBeGreaterThan(0.32);
  expect(share).toBeLessThan(0.4);
});

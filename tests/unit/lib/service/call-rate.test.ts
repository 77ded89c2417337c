/** Calls beyond what a user may make in a second wait for the next; others are not held up. */
import { expect, test } from "bun:test";
import { CallRate } from "../../../../lib/service/call-rate.ts";

test("each user has a second's share", () => {
  const rate = new CallRate<number>(2);
  const delays = (uid: number, now: number, calls: number) => Array.from({ length: calls }, () => rate.delay(uid, now));
  expect(delays(7, 1_250, 4)).toEqual([0, 0, 750, 750]);
  expect(delays(8, 1_999, 3)).toEqual([0, 0, 1]);
  expect(delays(7, 2_000, 3)).toEqual([0, 0, 1000]);
  expect(delays(7, 9_500, 1)).toEqual([0]);
});

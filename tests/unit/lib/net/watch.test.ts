/** What is idle or too old is cut. */
import { expect, test } from "bun:test";
import { Watch } from "../../../../lib/net/watch.ts";
import { until } from "./support.ts";

test("silence is cut, once", async () => {
  const cuts: string[] = [];
  const watch = new Watch(
    { idle: 10, lifetime: 0 },
    () => 7,
    (by) => void cuts.push(by),
  );
  await until(() => cuts.length > 0);
  await Bun.sleep(40);
  watch.stop();
  expect(cuts).toEqual(["idle"]);
});

test("what moves is not cut until it stops", async () => {
  const cuts: string[] = [];
  let count = 0;
  let moving = true;
  const watch = new Watch(
    { idle: 10, lifetime: 0 },
    () => (moving ? ++count : count),
    (by) => void cuts.push(by),
  );
  await until(() => count > 4);
  expect(cuts).toEqual([]);
  moving = false;
  await until(() => cuts.length > 0);
  watch.stop();
});

test("age is cut whatever moves", async () => {
  const cuts: string[] = [];
  let count = 0;
  const watch = new Watch(
    { idle: 5, lifetime: 30 },
    () => ++count,
    (by) => void cuts.push(by),
  );
  await until(() => cuts.length > 0);
  watch.stop();
  expect(cuts).toEqual(["lifetime"]);
});

test("a watch that is stopped, or has no limits, cuts nothing", async () => {
  const cuts: string[] = [];
  const note = (by: string) => void cuts.push(by);
  new Watch({ idle: 5, lifetime: 10 }, () => 0, note).stop();
  const unlimited = new Watch({ idle: 0, lifetime: 0 }, () => 0, note);
  await Bun.sleep(40);
  unlimited.stop();
  expect(cuts).toEqual([]);
});

import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { Deadlines } from "../../../../lib/net/deadlines.ts";

let clock = 0;
const realNow = performance.now.bind(performance);
beforeEach(() => {
  clock = 0;
  jest.useFakeTimers();
  performance.now = () => clock;
});
afterEach(() => {
  jest.useRealTimers();
  performance.now = realNow;
});

function pass(ms: number): void {
  for (let i = 0; i < ms; i++) {
    clock++;
    jest.advanceTimersByTime(1);
  }
}

test("each item is late at its own time, once", () => {
  const late: string[] = [];
  const deadlines = new Deadlines<string>(100, (item) => void late.push(item));
  deadlines.add("a");
  pass(60);
  deadlines.add("b");
  pass(39);
  expect(late).toEqual([]);
  pass(2);
  expect(late).toEqual(["a"]);
  pass(57);
  expect(late).toEqual(["a"]);
  pass(4);
  expect(late).toEqual(["a", "b"]);
  pass(500);
  expect(late).toEqual(["a", "b"]);
});

test("what is removed in time is not late; what is added anew begins anew", () => {
  const late: string[] = [];
  const deadlines = new Deadlines<string>(100, (item) => void late.push(item));
  deadlines.add("removed");
  deadlines.add("renewed");
  pass(50);
  deadlines.remove("removed");
  deadlines.add("renewed");
  pass(60);
  expect(late).toEqual([]);
  pass(50);
  expect(late).toEqual(["renewed"]);
});

test("0 sets none", () => {
  const late: string[] = [];
  new Deadlines<string>(0, (item) => void late.push(item)).add("a");
  pass(1000);
  expect(late).toEqual([]);
});

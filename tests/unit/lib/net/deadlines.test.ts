/** Deadlines of one length: each is late once and in time. The clock is the test's. */
import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { Deadlines, Due } from "../../../../lib/net/deadlines.ts";

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

class Noted extends Due {
  constructor(
    readonly name: string,
    readonly into: string[],
  ) {
    super();
  }

  override late(): void {
    this.into.push(this.name);
  }
}

function pass(ms: number): void {
  for (let i = 0; i < ms; i++) {
    clock++;
    jest.advanceTimersByTime(1);
  }
}

test("each item is late at its own time, once", () => {
  const late: string[] = [];
  const deadlines = new Deadlines(100);
  deadlines.add(new Noted("a", late));
  pass(60);
  deadlines.add(new Noted("b", late));
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

test("what is removed in time is not late, wherever it stands; what is added again begins anew", () => {
  const late: string[] = [];
  const deadlines = new Deadlines(100);
  const items = ["first", "renewed", "middle", "last"].map((name) => new Noted(name, late));
  for (const item of items) deadlines.add(item);
  pass(50);
  for (const item of items) deadlines.remove(item);
  deadlines.remove(items[0]!);
  deadlines.add(items[1]!);
  pass(60);
  expect(late).toEqual([]);
  pass(50);
  expect(late).toEqual(["renewed"]);
});

test("an item that sets its deadline again while it is late, and one that lifts another's", () => {
  const late: string[] = [];
  const deadlines = new Deadlines(100);
  const other = new Noted("other", late);
  class Again extends Noted {
    override late(): void {
      super.late();
      deadlines.remove(other);
      if (late.length < 3) deadlines.add(this);
    }
  }
  deadlines.add(new Again("again", late));
  deadlines.add(other);
  pass(1000);
  expect(late).toEqual(["again", "again", "again"]);
});

test("an item that is added twice is late once, at its later time", () => {
  const late: string[] = [];
  const deadlines = new Deadlines(100);
  class Bounded extends Noted {
    override late(): void {
      super.late();
      if (late.length > 10) throw new Error("late without end");
    }
  }
  const twice = new Bounded("twice", late);
  deadlines.add(twice);
  pass(50);
  deadlines.add(twice);
  deadlines.add(new Bounded("other", late));
  pass(90);
  expect(late).toEqual([]);
  pass(500);
  expect(late).toEqual(["twice", "other"]);
});

test("0 sets none", () => {
  const late: string[] = [];
  new Deadlines(0).add(new Noted("a", late));
  pass(1000);
  expect(late).toEqual([]);
});

/** Checks of a place by a scripted clock: how often, never two at once, and what of them counts. */
import { expect, test } from "bun:test";
import type { Due } from "../../../../lib/net/deadlines.ts";
import { Health, type Finding } from "../../../../lib/net/health.ts";

const TROUBLE = { trouble: "no" } as const;

/** A place whose answers are given by hand, and a clock that is. */
class Bench {
  now = 0;
  readonly waits = new Map<() => void, number>();
  readonly due = new Set<Due>();
  readonly answers: ((finding: Finding) => void)[] = [];
  readonly changes: (string | undefined)[] = [];
  probes = 0;
  readonly health: Health;

  constructor(rules = { interval: 1000, fall: 2, rise: 2 }, chance = 0.5) {
    this.health = new Health({
      probe: () => {
        this.probes++;
        return new Promise((resolve) => this.answers.push(resolve));
      },
      rules,
      deadlines: { add: (item) => void this.due.add(item), remove: (item) => void this.due.delete(item) },
      timeout: 300,
      changed: (trouble) => void this.changes.push(trouble),
      clock: {
        now: () => this.now,
        after: (ms, then) => {
          this.waits.set(then, this.now + ms);
          return () => void this.waits.delete(then);
        },
        chance: () => chance,
      },
    });
  }

  /** When the next check is due; undefined where none is. */
  get next(): number | undefined {
    expect(this.waits.size).toBeLessThanOrEqual(1);
    return [...this.waits.values()][0];
  }

  /** Lets the clock go on to the next check. */
  tick(): void {
    const [[call, at]] = this.waits as unknown as [[() => void, number]];
    this.waits.delete(call);
    this.now = at;
    call();
  }

  async answer(finding: Finding): Promise<void> {
    this.answers.shift()!(finding);
    await Bun.sleep(0);
  }

  /** The next checks come to these. */
  async checks(...findings: Finding[]): Promise<void> {
    for (const finding of findings) {
      this.tick();
      await this.answer(finding);
    }
  }

  /** Past its deadline. */
  late(): void {
    for (const item of this.due) {
      this.due.delete(item);
      item.late();
    }
  }
}

test("nothing happens before the start, and the first check is somewhere in the first interval", () => {
  const bench = new Bench();
  expect([bench.next, bench.probes]).toEqual([undefined, 0]);
  bench.health.start();
  bench.health.start();
  expect(bench.next).toBe(500);
  bench.tick();
  expect([bench.next, bench.probes, bench.due.size]).toEqual([undefined, 1, 1]);
});

test("the next one is due an interval after the beginning of the last, and no sooner than that is over", async () => {
  const bench = new Bench();
  bench.health.start();
  bench.tick();
  bench.now += 200;
  await bench.answer("works");
  expect([bench.next, bench.due.size]).toEqual([1500, 0]);
  bench.tick();
  bench.now += 5000;
  expect(bench.next).toBeUndefined();
  await bench.answer("works");
  expect(bench.next).toBe(6500);
});

test("chance moves it by a tenth of the interval", async () => {
  const next = async (chance: number) => {
    const bench = new Bench(undefined, chance);
    bench.health.start();
    await bench.checks("works");
    return bench.next! - bench.now;
  };
  expect([await next(0), await next(1)]).toEqual([900, 1100]);
});

test("down and up are told once, with why", async () => {
  const bench = new Bench();
  bench.health.start();
  await bench.checks("works", TROUBLE, "works", TROUBLE, TROUBLE, { trouble: "still no" });
  expect([bench.health.trouble, bench.changes]).toEqual(["still no", ["no"]]);
  await bench.checks("works", "works", "works");
  expect([bench.health.trouble, bench.changes]).toEqual([undefined, ["no", undefined]]);
  expect(bench.health.counts).toEqual({ checks: 9, failed: 4 });
  expect(bench.health.age).toBe(1000);
});

test("what says nothing of the place counts as nothing", async () => {
  const bench = new Bench();
  bench.health.start();
  await bench.checks(TROUBLE, "unknown", "unknown");
  expect(bench.health.trouble).toBeUndefined();
  await bench.checks(TROUBLE, "unknown");
  expect([bench.health.trouble, bench.health.counts]).toEqual(["no", { checks: 2, failed: 2 }]);
});

test("a check past its deadline has failed, whatever it finds afterwards, and the next one waits for its end", async () => {
  const bench = new Bench();
  bench.health.start();
  await bench.checks(TROUBLE);
  bench.tick();
  bench.now += 300;
  bench.late();
  expect([bench.health.trouble, bench.next]).toEqual(["no answer within 300 ms", undefined]);
  await bench.answer("works");
  expect([bench.health.counts, bench.next]).toEqual([{ checks: 2, failed: 2 }, 2500]);
  await bench.checks("works");
  expect(bench.health.trouble).toBe("no answer within 300 ms");
});

test("another place: what was found is forgotten, and it is looked at at once", async () => {
  const bench = new Bench();
  bench.health.start();
  await bench.checks(TROUBLE, TROUBLE);
  bench.now += 10;
  bench.health.restart();
  expect([bench.health.trouble, bench.health.age, bench.next]).toEqual([undefined, 0, bench.now]);
  await bench.checks(TROUBLE);
  expect(bench.health.trouble).toBeUndefined();
  expect(bench.changes).toEqual(["no"]);
});

test("another place during a check: that one says nothing of it, and the next begins when it is over", async () => {
  const bench = new Bench({ interval: 1000, fall: 1, rise: 1 });
  bench.health.start();
  bench.tick();
  bench.health.restart();
  expect([bench.next, bench.probes, bench.due.size]).toEqual([undefined, 1, 0]);
  await bench.answer(TROUBLE);
  expect([bench.health.trouble, bench.health.counts.checks, bench.next]).toEqual([undefined, 0, bench.now]);
  await bench.checks(TROUBLE);
  expect([bench.health.trouble, bench.next! - bench.now]).toEqual(["no", 1000]);
});

test("stopped, while it waits or in the midst of a check, nothing follows", async () => {
  const waiting = new Bench();
  waiting.health.start();
  waiting.health.stop();
  expect(waiting.next).toBeUndefined();
  waiting.health.restart();
  expect(waiting.next).toBeUndefined();

  const checking = new Bench({ interval: 1000, fall: 1, rise: 1 });
  checking.health.start();
  checking.tick();
  checking.health.stop();
  expect(checking.due.size).toBe(0);
  await checking.answer(TROUBLE);
  expect([checking.next, checking.changes, checking.health.trouble]).toEqual([undefined, [], undefined]);
});

/** What checks in a row make of a place, and when the next one is due, by a scripted clock. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { RiseFall } from "../../../../lib/net/rise-fall.ts";

const RULES = { interval: 10_000, fall: 3, rise: 2 };

/** A check each second: `x` failed, `.` did not. After each, whether it is up, and `!` where that has changed. */
function after(script: string, rules = RULES): string {
  const state = new RiseFall(rules, 0);
  return Array.from(script, (check, i) => {
    const changed = state.checked(check === "x" ? `trouble ${i}` : undefined, i * 1000);
    return `${state.trouble === undefined ? "up" : "down"}${changed ? "!" : ""}`;
  }).join(" ");
}

test.each([
  ["...", "up up up"],
  ["xx", "up up"],
  ["xxx", "up up down!"],
  ["xx.xx.", "up up up up up up"],
  ["xxxx", "up up down! down"],
  ["xxx.", "up up down! down"],
  ["xxx..", "up up down! down up!"],
  ["xxx.x.", "up up down! down down down"],
  ["xxx.x..", "up up down! down down down up!"],
  ["xxx..xx.xxx", "up up down! down up! up up up up up down!"],
])("%s", (script, states) => expect(after(script)).toBe(states));

test("one in a row is enough where that is said", () => {
  expect(after("x.x", { interval: 1, fall: 1, rise: 1 })).toBe("down! up! down!");
});

test("it is down since the check that took it down, for what the last failed one says", () => {
  const state = new RiseFall(RULES, 500);
  expect([state.since, state.trouble]).toEqual([500, undefined]);
  for (const [i, trouble] of ["a", "b", "c", "d", undefined].entries()) state.checked(trouble, 1000 * i);
  expect([state.since, state.trouble]).toEqual([2000, "d"]);
  state.checked(undefined, 9000);
  expect([state.since, state.trouble]).toEqual([9000, undefined]);
});

test("any history: it changes exactly after as many in a row as the rules say", () => {
  const counts = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 60 }), counts, counts, (history, fall, rise) => {
      const state = new RiseFall({ interval: 1000, fall, rise }, 0);
      let up = true;
      for (let i = 0; i < history.length; i++) {
        state.checked(history[i] ? undefined : "x", i);
        // Where the last so many all speak against it, it has changed, and since then they are counted anew.
        const last = history.slice(Math.max(0, i + 1 - (up ? fall : rise)), i + 1);
        if (last.length === (up ? fall : rise) && last.every((works) => works !== up)) up = !up;
        expect(state.trouble === undefined).toBe(up);
      }
    }),
  );
});

test("the first check is anywhere in an interval, the next one about an interval after the beginning of the last", () => {
  const state = new RiseFall(RULES, 0);
  expect([0, 0.25, 1].map((chance) => state.firstIn(chance))).toEqual([0, 2500, 10_000]);
  expect([0, 0.5, 1].map((chance) => state.nextIn(5000, 5400, chance))).toEqual([8600, 9600, 10_600]);
  // One that took longer than that is followed at once.
  expect(state.nextIn(5000, 20_000, 0.5)).toBe(0);
});

/** The limits of the row of silent clients. */
import { expect, test } from "bun:test";
import { silentTable, type SilentMeasurement } from "../../../bench/support/silent.ts";

const GOOD: SilentMeasurement = { held: 4400, reopened: 0, rssPerConnection: 19.9, echoP50: 1, echoP99: 99 };

test("what stays within the limits passes", () => {
  expect(silentTable([GOOD, GOOD, GOOD], 4400).passed).toBe(true);
});

test.each([
  ["memory", { rssPerConnection: 20 }],
  ["the echo of another client", { echoP99: 100 }],
  ["connections that could not be held", { held: 3000 }],
])("%s beyond its limit fails", (_, worse) => {
  const { passed, text } = silentTable([{ ...GOOD, ...worse }], 4400);
  expect(passed).toBe(false);
  expect(text.match(/FAIL/g)).toHaveLength(1);
});

test("no round is no pass", () => {
  expect(silentTable([], 4400).passed).toBe(false);
});

/** What the keys of lib/command/health-keys.ts say, as rules for checks. Checks nothing. */
import type { ParsedArgs } from "../command/define.ts";
import type { healthKeys } from "../command/health-keys.ts";
import { parseDuration, parseInteger } from "../command/values.ts";
import type { CheckRules } from "./rise-fall.ts";

/** Milliseconds: checks are not to be what a place is busy with, nor what wakes an idle daemon all the time. */
const LEAST_INTERVAL = 1000;
const LONGEST_INTERVAL = 3_600_000;
const MOST_IN_A_ROW = 1000;

type Given = ParsedArgs<typeof healthKeys>;

/** Whether a key is there, which would be believed to be in force. */
export function hasCheckRules(given: Given): boolean {
  return [given["health-interval"], given["health-fall"], given["health-rise"]].some((value) => value !== undefined);
}

/** `where` stands before the key in messages. Throws `PortailError` (64, `usage.value`). */
export function parseCheckRules(given: Given, where: string): CheckRules {
  const { "health-interval": interval = "10s", "health-fall": fall = "3", "health-rise": rise = "2" } = given;
  const inRow = { min: 1, max: MOST_IN_A_ROW };
  return {
    interval: parseDuration(`${where}health-interval`, interval, { min: LEAST_INTERVAL, max: LONGEST_INTERVAL }),
    fall: parseInteger(`${where}health-fall`, fall, inRow),
    rise: parseInteger(`${where}health-rise`, rise, inRow),
  };
}

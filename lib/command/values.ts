/** Values of flags and configuration keys: text in, number out, or a PortailError. Addresses are lib/net/endpoint.ts. */

import { EXIT, PortailError } from "./errors.ts";

const UNITS = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 } as const;
const SIZES = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 } as const;

/** Longest duration: what a timer of the runtime takes (2^31 - 1 ms, 24 days). */
const LONGEST_DURATION = 2 ** 31 - 1;

interface Range {
  min?: number;
  max?: number;
}

/**
 * A duration in milliseconds, in Go's notation as ghostunnel takes it: `10s`, `1h30m`, `1.5s`, `250ms`, and `0`.
 * Fractions of a millisecond are rounded up, so that only `0` is zero. `name` is the flag, e.g. `--timeout`.
 */
export function parseDuration(name: string, text: string, { min = 0, max = LONGEST_DURATION }: Range = {}): number {
  const hint = "write a number and a unit, e.g. 250ms, 10s, 5m, 1h30m";
  if (!/^(?:0|(?:\d{1,15}(?:\.\d{1,9})?(?:h|ms|m|s|us|µs|ns))+)$/.test(text))
    throw invalid(name, text, "a duration", hint);
  let total = 0;
  for (const [, number, unit] of text.matchAll(/([\d.]+)(h|ms|m|s|us|µs|ns)/g)) {
    total += Number(number) * UNITS[unit as keyof typeof UNITS];
  }
  return inRange(name, text, Math.ceil(total), { min, max }, (ms) =>
    ms < UNITS.h ? `${ms}ms` : `${Math.floor(ms / UNITS.h)}h`,
  );
}

/** A size in bytes: `512`, `64K`, `1M`, `2G`, powers of 1024; `KiB` and so on are the same. */
export function parseSize(name: string, text: string, { min = 0, max = Number.MAX_SAFE_INTEGER }: Range = {}): number {
  const match = /^(\d{1,15})([KMGT]?)(?:iB|B)?$/.exec(text);
  if (!match) throw invalid(name, text, "a size", "write a number of bytes, or with K, M or G, e.g. 64K");
  const bytes = Number(match[1]) * SIZES[match[2] as keyof typeof SIZES];
  return inRange(name, text, bytes, { min, max }, String);
}

/** A decimal integer, by default from 0. */
export function parseInteger(
  name: string,
  text: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: Range = {},
): number {
  if (!/^-?\d{1,16}$/.test(text)) throw invalid(name, text, "an integer", "write digits only, e.g. 100");
  return inRange(name, text, Number(text), { min, max }, String);
}

/** One of `choices`. */
export function parseChoice<const T extends string>(name: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw invalid(name, text, "a value it takes", `use one of ${choices.join(", ")}`);
  return found;
}

function inRange(
  name: string,
  text: string,
  value: number,
  range: Required<Range>,
  show: (n: number) => string,
): number {
  if (value >= range.min && value <= range.max) return value;
  const hint = `it must be from ${show(range.min)} to ${show(range.max)}`;
  throw invalid(name, text, "in range", hint);
}

function invalid(name: string, text: string, what: string, hint: string): PortailError {
  return new PortailError(`${name}: ${JSON.stringify(text)} is not ${what}`, {
    code: "usage.value",
    exit: EXIT.usage,
    hint,
  });
}

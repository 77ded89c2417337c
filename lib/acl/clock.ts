/** Time of day, weekday and instants in a zone. The time itself is a fact; only the zone's rules come from the runtime's tables. */

/** Minutes since midnight; `to` is excluded, and a window whose end is not after its start passes midnight. */
interface DayWindow {
  readonly from: number;
  readonly to: number;
}

export type ClockTest =
  | { readonly kind: "time"; readonly windows: readonly DayWindow[]; readonly zone: string }
  /** By weekday, 0 is Monday. */
  | { readonly kind: "weekday"; readonly days: readonly boolean[]; readonly zone: string }
  | { readonly kind: "instant"; readonly sign: "<" | "<=" | ">" | ">=" | "=="; readonly at: number };

/** Answers for `now` in milliseconds since 1970 (UTC). */
export function testClock(test: ClockTest, now: number): boolean {
  if (test.kind === "instant") return compare(test.sign, now, test.at);
  const local = now + zoneOffset(test.zone, now);
  if (test.kind === "weekday") return test.days[mod(Math.floor(local / DAY) + 3, 7)]!; // 1970-01-01 was a Thursday
  const minute = mod(Math.floor(local / MINUTE), 1440);
  return test.windows.some(({ from, to }) =>
    from < to ? minute >= from && minute < to : minute >= from || minute < to,
  );
}

/** `08:00-18:30`; `24:00` may end a window. */
export function parseDayWindow(text: string): DayWindow | undefined {
  const found = /^([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])$/.exec(text);
  if (found === null) return undefined;
  const [from, to] = [Number(found[1]) * 60 + Number(found[2]), Number(found[3]) * 60 + Number(found[4])];
  return to > 1440 || from === to ? undefined : { from, to };
}

export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;

/** `fri` or `mon-fri` (which may pass the end of the week) as indices, 0 is Monday. */
export function parseWeekdays(text: string): number[] | undefined {
  const [first, last, more] = text.split("-").map((day) => (WEEKDAYS as readonly string[]).indexOf(day));
  if (first === undefined || first < 0 || last === -1 || more !== undefined) return undefined;
  const count = last === undefined ? 1 : mod(last - first, 7) + 1;
  return Array.from({ length: count }, (_, i) => (first + i) % 7);
}

/**
 * `2026-01-31`, `2026-01-31T18:00`, with seconds, and with `Z` or `+02:00`, as milliseconds since 1970. A text without
 * an offset is local time in `zone`; without either the result is "zone". In the hour that a clock skips, the time
 * after the change is meant; in the one that it repeats, the first pass.
 */
export function parseInstant(text: string, zone: string | undefined): number | "zone" | undefined {
  const found = /^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T([0-9]{2}:[0-9]{2})(:[0-9]{2})?)?(Z|[+-][0-9]{2}:[0-9]{2})?$/.exec(
    text,
  );
  if (found === null) return undefined;
  const wall = `${found[1]}T${found[2] ?? "00:00"}${found[3] ?? ":00"}`;
  const utc = Date.parse(`${wall}Z`);
  // Date.parse takes 31 February for 3 March.
  if (Number.isNaN(utc) || new Date(utc).toISOString().slice(0, 19) !== wall) return undefined;
  if (found[4] !== undefined) return Date.parse(`${wall}${found[4]}`);
  if (zone === undefined) return "zone";
  const before = utc - zoneOffset(zone, utc - DAY);
  const after = utc - zoneOffset(zone, utc + DAY);
  return before + zoneOffset(zone, before) === utc ? before : after + zoneOffset(zone, after) === utc ? after : before;
}

/** A name of the tz database, `UTC`, or a fixed offset such as `+02:00`. */
export function isZone(zone: string): boolean {
  try {
    return zone !== "" && formatterOf(zone) !== undefined;
  } catch {
    return false;
  }
}

const MINUTE = 60_000;
const DAY = 86_400_000;
/** Zones change their offset on quarters of an hour (UTC), so an offset holds for one. */
const QUARTER = 900_000;

interface Zone {
  readonly format: Intl.DateTimeFormat;
  quarter: number;
  offset: number;
}

const zones = new Map<string, Zone>();

/** Milliseconds to add to UTC; asked of the tables once a quarter of an hour. */
function zoneOffset(name: string, now: number): number {
  const zone = formatterOf(name);
  const quarter = Math.floor(now / QUARTER);
  if (zone.quarter !== quarter) {
    const part: Record<string, number> = {};
    for (const { type, value } of zone.format.formatToParts(quarter * QUARTER)) part[type] = Number(value);
    const { year, month, day, hour, minute, second } = part as Record<
      "year" | "month" | "day" | "hour" | "minute" | "second",
      number
    >;
    zone.offset = Date.UTC(year, month - 1, day, hour, minute, second) - quarter * QUARTER;
    zone.quarter = quarter;
  }
  return zone.offset;
}

function formatterOf(name: string): Zone {
  let zone = zones.get(name);
  if (zone === undefined) {
    // The locale has this calendar and hours from 0 to 23; to ask for them by options takes twice the time, 9 ms more.
    const format = new Intl.DateTimeFormat("en-GB", {
      timeZone: name,
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    zone = { format, quarter: Number.NaN, offset: 0 };
    zones.set(name, zone);
  }
  return zone;
}

const mod = (value: number, by: number): number => ((value % by) + by) % by;

function compare(sign: "<" | "<=" | ">" | ">=" | "==", left: number, right: number): boolean {
  if (sign === "<") return left < right;
  if (sign === "<=") return left <= right;
  if (sign === ">") return left > right;
  return sign === ">=" ? left >= right : left === right;
}

/** Times in zones: windows, weekdays, instants, changes of the clock. Expected values are from the tz database's rules. */
import { expect, test } from "bun:test";
import { isZone, parseDayWindow, parseInstant, parseWeekdays, testClock } from "../../../../lib/acl/clock.ts";

const at = (text: string) => Date.parse(text);
const inWindow = (window: string, zone: string, now: string) =>
  testClock({ kind: "time", windows: [parseDayWindow(window)!], zone }, at(now));

test.each([
  ["08:00-18:30", "UTC", "2026-01-05T08:00:00Z", true],
  ["08:00-18:30", "UTC", "2026-01-05T18:29:59.999Z", true],
  ["08:00-18:30", "UTC", "2026-01-05T18:30:00Z", false],
  ["08:00-18:30", "Europe/Paris", "2026-01-05T07:00:00Z", true],
  ["08:00-18:30", "Europe/Paris", "2026-07-05T06:00:00Z", true],
  ["08:00-18:30", "Europe/Paris", "2026-01-05T06:59:59Z", false],
  ["22:00-06:00", "UTC", "2026-01-05T23:00:00Z", true],
  ["22:00-06:00", "UTC", "2026-01-05T05:59:00Z", true],
  ["22:00-06:00", "UTC", "2026-01-05T06:00:00Z", false],
  ["00:00-24:00", "UTC", "2026-01-05T23:59:59Z", true],
  ["09:00-10:00", "Asia/Kathmandu", "2026-01-05T03:15:00Z", true], // +05:45
  ["09:00-10:00", "+02:00", "2026-01-05T07:30:00Z", true],
  ["12:00-13:00", "UTC", "1969-12-31T12:30:00Z", true],
])("%s in %s at %s: %p", (window, zone, now, wanted) => expect(inWindow(window, zone, now)).toBe(wanted));

test("the clock of a zone changes at its moment", () => {
  // Paris, 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC.
  expect(inWindow("02:00-03:00", "Europe/Paris", "2026-03-29T00:59:59Z")).toBe(false);
  expect(inWindow("03:00-03:01", "Europe/Paris", "2026-03-29T01:00:00Z")).toBe(true);
  expect(inWindow("01:59-02:00", "Europe/Paris", "2026-03-29T00:59:59Z")).toBe(true);
});

test("weekdays", () => {
  const days = (text: string, zone: string, now: string) => {
    const set = new Set(parseWeekdays(text)!);
    return testClock({ kind: "weekday", days: Array.from({ length: 7 }, (_, i) => set.has(i)), zone }, at(now));
  };
  expect(days("mon", "UTC", "2026-01-05T00:00:00Z")).toBe(true);
  expect(days("mon", "UTC", "2026-01-04T23:59:59Z")).toBe(false);
  expect(days("mon", "Asia/Tokyo", "2026-01-04T15:00:00Z")).toBe(true);
  expect(days("fri-mon", "UTC", "2026-01-04T12:00:00Z")).toBe(true);
  expect(days("fri-mon", "UTC", "2026-01-06T12:00:00Z")).toBe(false);
  expect(days("thu", "UTC", "1970-01-01T00:00:00Z")).toBe(true);
  expect(parseWeekdays("mon-fri")).toEqual([0, 1, 2, 3, 4]);
  for (const text of ["", "monday", "Mon", "mon-", "-mon", "mon-fri-sun", "mon,tue"])
    expect([text, parseWeekdays(text)]).toEqual([text, undefined]);
});

test("instants", () => {
  expect(parseInstant("2026-01-31T18:00:30Z", undefined)).toBe(at("2026-01-31T18:00:30Z"));
  expect(parseInstant("2026-01-31T18:00+02:00", undefined)).toBe(at("2026-01-31T16:00:00Z"));
  expect(parseInstant("2026-01-31", "Europe/Paris")).toBe(at("2026-01-30T23:00:00Z"));
  expect(parseInstant("2026-07-31T12:00", "America/New_York")).toBe(at("2026-07-31T16:00:00Z"));
  expect(parseInstant("2026-01-31", undefined)).toBe("zone");
  // On the days around a change of the clock.
  expect(parseInstant("2026-03-28T12:00", "Europe/Paris")).toBe(at("2026-03-28T11:00:00Z"));
  expect(parseInstant("2026-03-29T01:00", "Europe/Paris")).toBe(at("2026-03-29T00:00:00Z"));
  expect(parseInstant("2026-03-29T12:00", "Europe/Paris")).toBe(at("2026-03-29T10:00:00Z"));
  // Skipped 02:30 means the time after the change; repeated 02:30 the first pass.
  expect(parseInstant("2026-03-29T02:30", "Europe/Paris")).toBe(at("2026-03-29T01:30:00Z"));
  expect(parseInstant("2026-10-25T02:30", "Europe/Paris")).toBe(at("2026-10-25T00:30:00Z"));
  for (const text of [
    "",
    "2026",
    "2026-1-1",
    "2026-02-30",
    "2026-13-01",
    "2026-01-01T24:00",
    "2026-01-01T00:60",
    "2026-01-01 00:00Z",
    "now",
    "2026-01-01T00:00:00.5Z",
  ]) {
    expect([text, parseInstant(text, "UTC")]).toEqual([text, undefined]);
  }
});

test("windows and zones that are none", () => {
  for (const text of [
    "",
    "8:00-9:00",
    "08:00",
    "08:00-08:00",
    "24:00-01:00",
    "08:00-24:01",
    "08:60-09:00",
    "08:00 - 09:00",
  ])
    expect([text, parseDayWindow(text)]).toEqual([text, undefined]);
  for (const zone of ["UTC", "Europe/Paris", "+02:00"]) expect([zone, isZone(zone)]).toEqual([zone, true]);
  for (const zone of ["", "Europe/Pariss", "local", "+25:00"]) expect([zone, isZone(zone)]).toEqual([zone, false]);
});

test.each(["<", "<=", ">", ">=", "=="] as const)("now %s", (sign) => {
  const answers = [99, 100, 101].map((now) => testClock({ kind: "instant", sign, at: 100 }, now));
  expect(answers).toEqual(
    {
      "<": [true, false, false],
      "<=": [true, true, false],
      ">": [false, false, true],
      ">=": [false, true, true],
      "==": [false, true, false],
    }[sign],
  );
});

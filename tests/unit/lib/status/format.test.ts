/** Figures as people read them. */
import { expect, test } from "bun:test";
import { formatAge, formatBytes, formatCount, formatTime } from "../../../../lib/status/format.ts";

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 KiB"],
  [1536, "1.5 KiB"],
  [10 * 1024, "10 KiB"],
  [123_456_789, "118 MiB"],
  [5 * 2 ** 40, "5 TiB"],
  [2 ** 70, "1048576 PiB"],
  [0.01, "<0.1 B"],
])("%d bytes: %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test.each([
  [0, "0"],
  [12_345, "12,345"],
  [0.04, "<0.1"],
  [3.14, "3.1"],
  [31.4, "31"],
  [314.15, "314"],
])("%d: %s", (value, text) => expect(formatCount(value)).toBe(text));

test.each([
  [0, "0 s"],
  [0.9, "0 s"],
  [59.9, "59 s"],
  [60, "1 min"],
  [61, "1 min 1 s"],
  [7500, "2 h 5 min"],
  [86_400 * 90 + 3700, "90 d 1 h"],
])("%d seconds: %s", (seconds, text) => expect(formatAge(seconds)).toBe(text));

test("a time, to the minute", () => {
  expect(formatTime(new Date(Date.UTC(2026, 4, 17, 8, 30, 59)))).toBe("2026-05-17 08:30 UTC");
});

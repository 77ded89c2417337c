/** Tables and verdicts of the benchmark of encrypted objects. */
import { expect, test } from "bun:test";
import { CIPHERS } from "../../../bench/s3crypt/ciphers.ts";
import type { Series } from "../../../bench/s3crypt/contest.ts";
import { gateTable, speedTable } from "../../../bench/s3crypt/report.ts";

const GIB = 2 ** 30;

/** One value per round, the same in both directions. */
function series(name: string, ...seconds: (number | undefined)[]): Series {
  const samples = seconds.map((value) => value && { seconds: value, cpuSeconds: value / 2 });
  return {
    cipher: CIPHERS.find((cipher) => cipher.name === name)!,
    samples: { encrypt: samples.map((one) => one || undefined), decrypt: samples.map((one) => one || undefined) },
  };
}

function cells(text: string, row: string): string[] {
  const line = text.split("\n").find((one) => one.startsWith(`| ${row} `))!;
  return line.split("|").map((cell) => cell.trim());
}

test("a speed is of the plaintext in 10⁹ bytes, a cost of processor seconds per GiB", () => {
  const [, , encrypt, , cost] = cells(
    speedTable("one core", { bytes: 2 * GIB, series: [series("ds2", 2, 1, 4)] }),
    "ds2",
  );
  expect(encrypt).toBe("1.07 (0.537..2.15)");
  expect(cost).toBe("0.500 (0.250..1.00)");
});

test("a gate passes by the median of the rounds' ratios, and tells the goal apart", () => {
  const measured = { bytes: GIB, series: [series("ds2", 1, 1, 1), series("libsodium", 1.2, 1.4, 0.9)] };
  const { text, passed } = gateTable("gates", measured);
  expect(passed).toBe(true);
  expect(cells(text, "ds2 to libsodium, encrypt").slice(2, 6)).toEqual([
    "1.20 (0.90..1.40)",
    "1.20 (0.90..1.40)",
    "pass",
    "1.50 short",
  ]);
});

test("a gate fails below 1, and where a contender has no figures", () => {
  const slow = { bytes: GIB, series: [series("ds2", 2), series("libsodium", 1)] };
  expect(gateTable("gates", slow).passed).toBe(false);
  const failed = { bytes: GIB, series: [series("ds2", undefined), series("libsodium", 1)] };
  expect(gateTable("gates", failed).passed).toBe(false);
});

test("v3 is held against age, and its goal is a speed", () => {
  const measured = { bytes: GIB, series: [series("v3", 0.5), series("age", 0.4)] };
  const { text, passed } = gateTable("gates", measured);
  expect(passed).toBe(false);
  expect(cells(text, "v3 to age, decrypt").slice(4, 6)).toEqual(["FAIL", "2 GB/s reached"]);
});

test("who was not asked for is not judged", () => {
  expect(gateTable("gates", { bytes: GIB, series: [series("ds2", 1), series("age", 1)] })).toEqual({
    text: expect.not.stringContaining("ds2"),
    passed: true,
  });
});

/** Value parsers: notations, bounds, and refusals that name the flag. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PortailError } from "../../../../lib/command/errors.ts";
import { parseChoice, parseDuration, parseInteger, parseSize } from "../../../../lib/command/values.ts";

function refusal(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof PortailError)) throw error;
    expect(error).toMatchObject({ code: "usage.value", exit: 64 });
    return error.message;
  }
  throw new Error("accepted");
}

describe("parseDuration()", () => {
  // Go's time.ParseDuration: a sequence of decimal numbers, each with optional fraction and a unit suffix; "0" alone.
  test.each([
    ["0", 0],
    ["0s", 0],
    ["10s", 10_000],
    ["5m", 300_000],
    ["1h30m", 5_400_000],
    ["1h15m30.5s", 4_530_500],
    ["250ms", 250],
    ["1.5s", 1500],
    ["1us", 1],
    ["1µs", 1],
    ["1ns", 1],
    ["2m2m", 240_000],
  ])("reads %s as %d ms", (text, ms) => {
    expect(parseDuration("--timeout", text)).toBe(ms);
  });

  test.each(["", "10", "1 s", "s", "-1s", "+1s", ".5s", "1.s", "1d", "1S", "1h30", "1e3s", "∞", "0x1s", "1s\n"])(
    "refuses %j",
    (text) => {
      expect(refusal(() => parseDuration("--timeout", text))).toBe(
        `--timeout: ${JSON.stringify(text)} is not a duration`,
      );
    },
  );

  test("refuses what no timer can hold, and what is outside the given range", () => {
    expect(parseDuration("--t", "2147483647ms")).toBe(2 ** 31 - 1);
    expect(refusal(() => parseDuration("--t", "2147483648ms"))).toContain("not in range");
    expect(refusal(() => parseDuration("--t", "0", { min: 1 }))).toContain("not in range");
    expect(refusal(() => parseDuration("--t", "999999999999999h"))).toContain("not in range");
  });

  test("sums its parts", () => {
    const part = fc.integer({ min: 0, max: 1000 });
    fc.assert(
      fc.property(part, part, part, (m, s, ms) => {
        expect(parseDuration("--t", `${m}m${s}s${ms}ms`)).toBe(m * 60_000 + s * 1000 + ms);
      }),
    );
  });
});

describe("parseSize()", () => {
  test.each([
    ["0", 0],
    ["512", 512],
    ["64K", 65_536],
    ["1M", 1_048_576],
    ["1MiB", 1_048_576],
    ["2G", 2_147_483_648],
    ["1T", 1_099_511_627_776],
    ["10B", 10],
  ])("reads %s as %d bytes", (text, bytes) => {
    expect(parseSize("--buffer", text)).toBe(bytes);
  });

  test.each(["", "K", "-1", "1.5K", "1k", "1 K", "1P", "1KK"])("refuses %j", (text) => {
    expect(refusal(() => parseSize("--buffer", text))).toBe(`--buffer: ${JSON.stringify(text)} is not a size`);
  });

  test("refuses what is outside the range", () => {
    expect(refusal(() => parseSize("--buffer", "999999999999999T"))).toContain("not in range");
    expect(refusal(() => parseSize("--buffer", "2K", { max: 1024 }))).toContain("not in range");
  });
});

describe("parseInteger()", () => {
  test("reads decimal integers within the range, bounds included", () => {
    expect([parseInteger("--n", "1", { min: 1, max: 9 }), parseInteger("--n", "9", { min: 1, max: 9 })]).toEqual([
      1, 9,
    ]);
    expect(parseInteger("--n", "-3", { min: -5 })).toBe(-3);
  });

  test.each(["", "1.0", "1e3", "0x10", " 1", "1_000", "--1", "١"])("refuses %j", (text) => {
    expect(refusal(() => parseInteger("--n", text))).toBe(`--n: ${JSON.stringify(text)} is not an integer`);
  });

  test("says the range when it is left", () => {
    const parse = () => parseInteger("--port", "65536", { min: 1, max: 65_535 });
    expect(parse).toThrow(expect.objectContaining({ hint: "it must be from 1 to 65535" }));
  });
});

test("parseChoice() takes a listed word, and lists them otherwise", () => {
  expect(parseChoice("--log-format", "json", ["text", "json"])).toBe("json");
  expect(() => parseChoice("--log-format", "Json", ["text", "json"])).toThrow(
    expect.objectContaining({ code: "usage.value", hint: "use one of text, json" }),
  );
});

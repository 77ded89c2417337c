/** Ranges of bytes: the examples of RFC 9110 section 14.1.2, what S3 clients ask for, and what counts as none. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  formatContentRange,
  formatUnsatisfied,
  parseContentRange,
  readRange,
} from "../../../../lib/wire/http-range.ts";

/** `first-last,…`, `whole` or `416`. */
function read(value: string | undefined, size: number): string {
  const answer = readRange(value, size);
  if (answer.kind === "whole") return "whole";
  if (answer.kind === "unsatisfiable") return "416";
  return answer.ranges.map(({ first, last }) => `${first}-${last}`).join(",");
}

test.each([
  ["bytes=0-499", 10_000, "0-499"],
  ["bytes=500-999", 10_000, "500-999"],
  ["bytes=-500", 10_000, "9500-9999"],
  ["bytes=9500-", 10_000, "9500-9999"],
  ["bytes=0-0,-1", 10_000, "0-0,9999-9999"],
  ["bytes= 0-0, -2", 10_000, "0-0,9998-9999"],
  ["bytes= 0-999, 4500-5499, -1000", 10_000, "0-999,4500-5499,9000-9999"],
  ["bytes=500-600,601-999", 10_000, "500-600,601-999"],
  ["bytes=500-700,601-999", 10_000, "500-700,601-999"],
  ["BYTES=0-1", 10, "0-1"],
  ["bytes=0-", 10, "0-9"],
  ["bytes=9-", 10, "9-9"],
  ["bytes=0-99999999999999999999999999", 10, "0-9"],
  ["bytes=-99999999999999999999999999", 10, "0-9"],
  [`bytes=0-${"9".repeat(400)}`, 10, "0-9"],
  ["bytes=5-5", 10, "5-5"],
  ["bytes=,0-1,,", 10, "0-1"],
  ["bytes=0-1,20-30", 10, "0-1"],
  ["bytes=10-", 10, "416"],
  ["bytes=10-20,-0", 10, "416"],
  [`bytes=${"9".repeat(400)}-`, 10, "416"],
  ["bytes=-0", 10, "416"],
  ["bytes=0-0", 0, "416"],
  ["bytes=0-", 0, "416"],
  ["bytes=-5", 0, "whole"],
])("%s of %d bytes is %s", (value, size, told) => expect(read(value, size)).toBe(told));

test.each([
  undefined,
  "",
  "bytes",
  "bytes=",
  "bytes=,",
  "bytes=-",
  "bytes=5-4",
  "bytes=0-1,5-4",
  "bytes=a-b",
  "bytes=0x1-2",
  "bytes=+0-1",
  "bytes=0 -1",
  "bytes=0-1-2",
  "bytes=0-1;2-3",
  "bytes=1",
  "bytes 0-1",
  "bytes =0-1",
  "items=0-1",
  " bytes=0-1",
  `bytes=${"0-0,".repeat(65)}`,
])("%j is no Range that counts", (value) => expect(read(value, 10)).toBe("whole"));

test("64 ranges count", () => {
  expect(read(`bytes=${Array.from({ length: 64 }, () => "0-0").join(",")}`, 10).split(",")).toHaveLength(64);
});

test("each range lies within the content, whatever is asked", () => {
  const number = fc.oneof(fc.nat(30).map(String), fc.constant(""), fc.bigInt({ min: 0n }).map(String));
  const spec = fc.tuple(number, number).map(([from, to]) => `${from}-${to}`);
  fc.assert(
    fc.property(fc.array(spec, { maxLength: 4 }), fc.nat(20), (specs, size) => {
      const answer = readRange(`bytes=${specs.join(",")}`, size);
      if (answer.kind !== "ranges") return;
      for (const { first, last } of answer.ranges) {
        expect(first).toBeGreaterThanOrEqual(0);
        expect(first).toBeLessThanOrEqual(last);
        expect(last).toBeLessThan(size);
      }
    }),
  );
});

describe("Content-Range", () => {
  test("is written", () => {
    expect(formatContentRange({ first: 0, last: 9 }, 100)).toBe("bytes 0-9/100");
    expect(formatUnsatisfied(100)).toBe("bytes */100");
  });

  test.each([
    ["bytes 0-9/100", { range: { first: 0, last: 9 }, size: 100 }],
    ["bytes 42-1233/*", { range: { first: 42, last: 1233 }, size: undefined }],
    ["bytes 5-5/6", { range: { first: 5, last: 5 }, size: 6 }],
    ["bytes */100", undefined],
    ["bytes 9-0/100", undefined],
    ["bytes 0-100/100", undefined],
    ["bytes 0-9", undefined],
    ["bytes=0-9/100", undefined],
    [`bytes 0-9/${"9".repeat(16)}`, undefined],
  ])("%s is read", (value, read) => expect(parseContentRange(value)).toEqual(read));
});

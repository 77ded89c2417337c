/** Sums of test runs: counted from real runner output, never better than the exit status. */

import { describe, expect, test } from "bun:test";
import {
  countsOf,
  failuresText,
  leftOutText,
  readLeftOut,
  sumLine,
  total,
  withoutPasses,
} from "../../../scripts/test-report.ts";

/** As printed by Bun 1.4.5. */
const OUTPUT = `bun test v1.4.5 (a7733435c)

a.test.ts:
(pass) says 7 fail [0.10ms]
 3 pass
(fail) b [0.20ms]

 12 pass
 1 skip
 2 todo
 4 fail
 20 expect() calls
Ran 19 tests across 2 files. [10.00ms]
`;

describe("countsOf()", () => {
  test("takes the sums at the end", () => {
    expect(countsOf(OUTPUT, 1)).toEqual({ passed: 12, failed: 4, skipped: 3 });
  });

  test("of a run that failed is never without failures", () => {
    expect(countsOf('Test filter "x" had no matches\n', 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
    expect(countsOf(" 5 pass\n 0 fail\n", 1).failed).toBe(1);
    expect(countsOf("", null).failed).toBe(1);
  });
});

test("total() adds up, and in CI scenarios left out are failures", () => {
  const parts = [countsOf(OUTPUT, 1), { passed: 1, failed: 0, skipped: 0 }];
  const leftOut = [{ scenario: "s", needs: ["curl"] }];
  expect(total(parts, leftOut, false)).toEqual({ passed: 13, failed: 4, skipped: 3 });
  expect(total(parts, leftOut, true)).toEqual({ passed: 13, failed: 5, skipped: 3 });
});

test("sumLine() says the skipped only when there are any", () => {
  expect(sumLine({ passed: 2, failed: 0, skipped: 0 })).toBe("2 passed, 0 failed");
  expect(sumLine({ passed: 2, failed: 1, skipped: 3 })).toBe("2 passed, 1 failed, 3 skipped");
});

describe("failuresText()", () => {
  const why =
    "error: expect(received).toBe(expected)\n\nExpected: 2\nReceived: 1\n\n      at <anonymous> (a.test.ts:2:35)\n";

  test("says each test once and why", () => {
    const output = `(pass) a [1.00ms]\n3 | line\n${why}(fail) group > b [0.44ms]\n(fail) c [50.17ms]\n  ^ this test timed out after 50ms.\n\n2 tests failed:\n(fail) group > b [0.44ms]\n(fail) c [50.17ms]\n`;
    expect(failuresText("unit", output)).toBe(
      [
        "unit: group > b",
        "  error: expect(received).toBe(expected)",
        "  Expected: 2",
        "  Received: 1",
        "        at <anonymous> (a.test.ts:2:35)",
        "unit: c",
        "",
      ].join("\n"),
    );
  });

  test("takes an error of any class for one", () => {
    const thrown =
      "TypeError: undefined is not an object (evaluating 'said.message')\n      at <anonymous> (a.test.ts:2:35)\n";
    expect(failuresText("unit", `${thrown}(fail) d [1.00ms]\n`)).toBe(
      `unit: d\n  ${thrown.trim().replace("\n", "\n  ")}\n`,
    );
  });

  test("shows the end where no test is named", () => {
    expect(failuresText("types", "a.ts(1,2): error TS1\nFound 1 error.\n")).toBe(
      "types: no test\n  a.ts(1,2): error TS1\n  Found 1 error.\n",
    );
  });
});

describe("scenarios left out", () => {
  test("are listed once with what they need", () => {
    const line = '{"scenario": "git clones", "needs": ["git", "curl"]}\n';
    const text = leftOutText(readLeftOut(line + line));
    expect(text).toBe(
      'Left out, for want of a program ("npm run peers" installs them):\n  git clones: needs git, curl\n',
    );
    expect(leftOutText([])).toBe("");
  });

  test("do not vanish in a line that is none", () => {
    expect(() => readLeftOut('{"scenario": "x"}\n')).toThrow("not a left-out scenario");
    expect(() => readLeftOut("garbage\n")).toThrow();
  });
});

test("withoutPasses() keeps all but passed tests", () => {
  const text = withoutPasses(OUTPUT);
  expect(text).not.toContain("(pass)");
  expect(text).toContain("(fail) b");
  expect(text).toContain(" 12 pass");
});

/** What else ran on the machine: the line of proc(5), and what this process itself does not count as. */
import { expect, test } from "bun:test";
import { parseCpuLine, watchOthers } from "../../../bench/support/machine.ts";

test("the first line of /proc/stat is all cores, in seconds", () => {
  const text = "cpu  1000 200 300 5000 40 0 60 400 7 8\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
  expect(parseCpuLine(text)).toEqual({ busy: 15, total: 70 });
});

test("the share of others is a share, and our own work is not in it", () => {
  const others = watchOthers();
  const until = performance.now() + 300;
  while (performance.now() < until);
  const share = others();
  expect(share).toBeGreaterThanOrEqual(0);
  expect(share).toBeLessThanOrEqual(1);
});

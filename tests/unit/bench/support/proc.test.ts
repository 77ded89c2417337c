/** Reading /proc: lines as proc(5) defines them, and a living process. */
import { expect, test } from "bun:test";
import {
  descendants,
  memoryOf,
  parseSmapsRollup,
  parseStat,
  processTree,
  type Stat,
} from "../../../bench/support/proc.ts";

/** Fields 3 on: state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt utime stime cutime cstime … */
const FIELDS = "S 4242 1 1 0 -1 4194304 98 5 6 7 150 50 25 75 20 0 1 0 104028 3133440 358";

test("the name of a process may hold spaces and parentheses", () => {
  expect(parseStat(`77 (a ) b (c)) ${FIELDS}`)).toEqual({ pid: 77, parent: 4242, state: "S", cpuSeconds: 3 });
});

test("what is no stat line is nothing", () => {
  expect(parseStat("")).toBeUndefined();
  expect(parseStat("12 (short) S 1")).toBeUndefined();
  expect(parseStat("no line at all")).toBeUndefined();
});

test("smaps_rollup is read in bytes, without the keys that only look alike", () => {
  const text = [
    "5587298d2000-7ffe11074000 ---p 00000000 00:00 0                          [rollup]",
    "Rss:                1772 kB",
    "Pss_Dirty:           112 kB",
    "Pss:                 407 kB",
    "SwapPss:               3 kB",
  ].join("\n");
  expect(parseSmapsRollup(text)).toEqual({ rss: 1772 * 1024, pss: 407 * 1024 });
  expect(parseSmapsRollup("Rss: 5 kB\n")).toBeUndefined();
  expect(parseSmapsRollup("")).toBeUndefined();
});

test("a tree is a process with its living descendants, however deep, and no other", () => {
  const process = (pid: number, parent: number, state = "S"): Stat => ({ pid, parent, state, cpuSeconds: 0 });
  const all = [process(5, 4), process(3, 2), process(2, 1), process(4, 2), process(9, 1), process(6, 2, "Z")];
  expect(
    descendants(2, all)
      .map(({ pid }) => pid)
      .toSorted(),
  ).toEqual([2, 3, 4, 5]);
  expect(descendants(6, all)).toEqual([]);
  expect(descendants(77, all)).toEqual([]);
});

test("this process and its child are one tree, with memory", async () => {
  const child = Bun.spawn([process.execPath, "-e", "setTimeout(() => {}, 30_000)"]);
  try {
    const pids = processTree(process.pid).map(({ pid }) => pid);
    expect(pids).toContain(process.pid);
    expect(pids).toContain(child.pid);
    const { rss, pss } = memoryOf(process.pid);
    expect(rss).toBeGreaterThan(1024 * 1024);
    expect(pss).toBeGreaterThan(0);
    expect(pss).toBeLessThanOrEqual(rss);
  } finally {
    child.kill();
    await child.exited;
  }
  expect(processTree(child.pid)).toEqual([]);
});

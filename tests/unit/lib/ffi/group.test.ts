/** Groups of this machine by name, beside what the file of groups says. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { groupId } from "../../../../lib/ffi/group.ts";

test("every group of the file has its number", () => {
  const groups = readFileSync("/etc/group", "utf8")
    .split("\n")
    .filter((line) => /^[^:+-]+:[^:]*:\d+:/.test(line));
  expect(groups.length).toBeGreaterThan(1);
  for (const line of groups) {
    const [name = "", , id] = line.split(":");
    expect([name, groupId(name)]).toEqual([name, Number(id)]);
  }
});

test.each(["", "no-such-group-here", "root:x", "x".repeat(10_000), "0"])("%j has none", (name) => {
  expect(groupId(name)).toBeUndefined();
});

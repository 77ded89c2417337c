/** Diffs are what patch(1) takes: applied to the old text they give the new one. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { unifiedDiff } from "../../../../../commands/acl/fmt/diff.ts";

/** Applies a unified diff, holding every context line and every count to the text. */
function patch(before: string, diff: string): string {
  const old = before.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const out: string[] = [];
  let at = 0;
  let [left, added] = [0, 0];
  const lines = diff.split("\n").slice(2, -1);
  for (const [i, line] of lines.entries()) {
    const head = /^@@ -(\d+),(\d+) \+(\d+),(\d+) @@$/.exec(line);
    if (head !== null) {
      expect([left, added]).toEqual([0, 0]);
      const [start, count] = [Number(head[1]), Number(head[2])];
      const from = count === 0 ? start : start - 1;
      out.push(...old.slice(at, from));
      at = from;
      [left, added] = [count, Number(head[4])];
      expect(out.length).toBe(Number(head[3]) - (added === 0 ? 0 : 1));
      continue;
    }
    if (line.startsWith("\\")) continue;
    const text = line.slice(1) + (lines[i + 1]?.startsWith("\\") ? "" : "\n");
    if (line[0] !== "+") {
      expect(old[at++]).toBe(text);
      left--;
    }
    if (line[0] !== "-") {
      out.push(text);
      added--;
    }
  }
  expect([left, added]).toEqual([0, 0]);
  return [...out, ...old.slice(at)].join("");
}

const text = fc
  .array(fc.constantFrom("a\n", "b\n", "c\n", "\n"), { maxLength: 30 })
  .chain((lines) => fc.constantFrom("", "end").map((end) => lines.join("") + end));

test("a diff applied to the old text gives the new one", () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const diff = unifiedDiff("p.acl", before, after);
      expect(diff === "").toBe(before === after);
      expect(patch(before, diff)).toBe(after);
    }),
    { numRuns: 1000 },
  );
});

test("lines that stay are not touched", () => {
  expect(unifiedDiff("p.acl", "1\n2\n3\n4\n5\n6\n7\n8\n", "1\n2\n3\n4\nfive\n6\n7\n8\n")).toBe(
    "--- p.acl.orig\n+++ p.acl\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n",
  );
});

test("texts of thousands of changes are shown too", () => {
  const lines = Array.from({ length: 9000 }, (_, i) => i);
  const before = lines.map((i) => `x${i}\n`).join("");
  const after = lines.map((i) => `y${i}\n`).join("");
  expect(patch(before, unifiedDiff("p.acl", before, after))).toBe(after);
});

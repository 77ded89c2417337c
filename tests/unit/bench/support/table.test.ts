/** Tables, figures, and the sections of the file of results. */
import { describe, expect, test } from "bun:test";
import { figure, replaceSection, table } from "../../../bench/support/table.ts";

test("a table is aligned Markdown, and a cell cannot break it", () => {
  expect(table(["row", "us"], [["bulk", "1,000"], ["a|b", "2"], ["short"]])).toBe(
    ["| row   |    us |", "| ----- | ----: |", "| bulk  | 1,000 |", "| a\\|b  |     2 |", "| short |       |"].join(
      "\n",
    ),
  );
});

test.each([
  [0, "0"],
  [0.01234, "0.0123"],
  [1.555, "1.56"],
  [42, "42.0"],
  [-3.25, "-3.25"],
  [999, "999"],
  [1234.5, "1,235"],
  [28_000_000, "28,000,000"],
  [Number.NaN, "-"],
  [Number.POSITIVE_INFINITY, "-"],
])("the figure of %p is %p", (value, text) => {
  expect(figure(value)).toBe(text);
});

describe("replaceSection", () => {
  test("appends a section that is new", () => {
    expect(replaceSection("# Head\n", "socks", "body")).toBe(
      "# Head\n\n<!-- bench:socks -->\n\nbody\n\n<!-- /bench:socks -->\n",
    );
  });

  test("replaces its own section and no other", () => {
    const both = replaceSection(replaceSection("# Head\n", "socks", "one"), "acl", "two");
    const after = replaceSection(both, "socks", "three");
    expect(after).toBe(both.replace("one", "three"));
    expect(after).toContain("two");
  });

  test("keeps what stands around the sections", () => {
    const text = `before\n${replaceSection("", "socks", "old").trim()}\nafter\n`;
    const next = replaceSection(text, "socks", "new");
    expect(next.startsWith("before\n")).toBe(true);
    expect(next.endsWith("\nafter\n")).toBe(true);
    expect(next).not.toContain("old");
  });
});

/** Removing blocks, operands and items from text, and applying edits that may overlap. */
import { describe, expect, test } from "bun:test";
import { applyEdits, itemRemoval, operandRemoval, removal } from "../../../../../../lib/acl/lint/engine/edits.ts";
import type { Edit } from "../../../../../../lib/acl/lint/engine/finding.ts";

const apply = (text: string, edit: Edit): string => applyEdits(text, [edit]).text;
/** Where `part` stands in `text`. */
function spanOf(text: string, part: string, from = 0): { start: number; end: number } {
  const start = text.indexOf(part, from);
  return { start, end: start + part.length };
}

test.each([
  ["a\nBLOCK\nb\n", "a\nb\n"],
  ["a\n\nBLOCK\n\nb\n", "a\n\nb\n"],
  ["BLOCK\n\nb\n", "b\n"],
  ["a\n\nBLOCK", "a\n\n"],
  ["a BLOCK b", "a b"],
  ["a\n  BLOCK // c\n", "a\n  // c\n"],
  ["a\r\n\r\nBLOCK\r\n\r\nb\r\n", "a\r\n\r\nb\r\n"],
])("a block of %j", (text, expected) => {
  expect(apply(text, removal(text, spanOf(text, "BLOCK")))).toBe(expected);
});

describe("an operand", () => {
  /** Operands are single upper-case letters. */
  const without = (text: string, letters: string, index: number): string | undefined => {
    const edit = operandRemoval(
      text,
      [...letters].map((letter) => spanOf(text, letter)),
      index,
    );
    return edit && apply(text, edit);
  };

  test.each([
    ["A and B and C", 0, "B and C"],
    ["A and B and C", 1, "A and C"],
    ["A and B and C", 2, "A and B"],
    ["(A) and ((B)) and C", 1, "(A) and C"],
    ["((A) and (B)) and C", 1, "((A)) and C"],
    ["((A)) and (B)", 0, "(B)"],
    ["A\n  and (B)\n  and C", 1, "A\n  and C"],
  ])("of %j at %d", (text, index, expected) => {
    expect(without(text, [...text].filter((char) => /[A-C]/.test(char)).join(""), index)).toBe(expected);
  });

  test("not where something else stands between", () => {
    expect(without("A and # B\n B", "AB", 1)).toBeUndefined();
    expect(without("A", "A", 0)).toBeUndefined();
  });
});

test("an item and its comma", () => {
  const text = "[ aa, bb, cc, ]";
  const items = ["aa", "bb", "cc"].map((item) => spanOf(text, item));
  expect(items.map((_, i) => apply(text, itemRemoval(items, i)))).toEqual([
    "[ bb, cc, ]",
    "[ aa, cc, ]",
    "[ aa, bb, ]",
  ]);
  expect(apply("[aa]", itemRemoval([{ start: 1, end: 3 }], 0))).toBe("[]");
});

test("edits are applied whole, in order, and one that overlaps waits", () => {
  const edits = [
    { start: 4, end: 6, text: "X" },
    { start: 0, end: 2, text: "" },
    { start: 5, end: 8, text: "Y" },
    { start: 6, end: 7, text: "Z" },
  ];
  expect(applyEdits("0123456789", edits)).toEqual({ text: "23XZ789", applied: 3 });
});

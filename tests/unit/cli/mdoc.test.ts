/** Text in mdoc: nothing of it is taken for an order, and flags can be copied. */

import { expect, test } from "bun:test";
import { argument, fill, literal, tagged } from "../../../cli/mdoc.ts";

test.each([
  ["a \\n b", ["a \\en b"]],
  [".Sh is no heading", ["\\&.Sh is no heading"]],
  ["'quoted' at the start", ["\\&'quoted' at the start"]],
  ["write --log-format=x or -t, not well-known", ["write \\%\\-\\-log\\-format=x or \\%\\-t, not well-known"]],
  ["behind -- it is a program", ["behind \\%\\-\\- it is a program"]],
  ["✓ true…", ["\\[u2713] true\\[u2026]"]],
  ["One. Two? Three, e.g. four.", ["One.", "Two?", "Three, e.g. four."]],
])("fill(%j)", (text, lines) => {
  expect(fill(text)).toEqual(lines);
});

test("fill() keeps lines short, and every word", () => {
  const text = "word ".repeat(60).trim();
  const lines = fill(text);
  expect(lines.length).toBeGreaterThan(3);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(78);
  expect(lines.join(" ")).toBe(text);
});

test("a line that breaks in front of a dot is no order", () => {
  expect(fill(`${"x".repeat(76)} .env`)).toEqual(["x".repeat(76), "\\&.env"]);
});

test("argument() keeps words from being macros, delimiters or quotes", () => {
  expect(argument('No | "x" FILE')).toBe("\\&No \\&| \\(dqx\\(dq FILE");
});

test("literal() has minus signs only", () => {
  expect(literal(".env a-b --c")).toBe("\\&.env a\\-b \\-\\-c");
});

test("tagged()", () => {
  expect(tagged([["Ar FILE", "A file."]])).toEqual([".Bl -tag -width Ds", ".It Ar FILE", "A file.", ".El"]);
});

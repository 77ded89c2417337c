/** Command lines as bash hands them over: words, the one at the cursor, and how much of it stands. */

import { expect, test } from "bun:test";
import { bashQuoted, readBashLine } from "../../../../cli/completion/bash-line.ts";

const BREAKS = " \t\n\"'><=;|&(:";

test.each<[line: string, words: string[], current: string, kept: number, quote: string]>([
  ["portail ", ["portail"], "", 0, ""],
  ["portail so", ["portail"], "so", 0, ""],
  ["portail  a\\ b c", ["portail", "a b"], "c", 0, ""],
  ['portail \'a b\' "c\\"d" ', ["portail", "a b", 'c"d'], "", 0, ""],
  ["portail --config=fi", ["portail"], "--config=fi", 9, ""],
  ["portail --listen=unix:/r", ["portail"], "--listen=unix:/r", 14, ""],
  ['portail --config="my f', ["portail"], "--config=my f", 9, '"'],
  ["portail 'my f", ["portail"], "my f", 0, "'"],
  ["portail my\\ f", ["portail"], "my f", 0, ""],
  ["portail a=b c", ["portail", "a=b"], "c", 0, ""],
  ["portail '' x", ["portail", ""], "x", 0, ""],
  ["portail 2>/dev/null < in x", ["portail"], "x", 0, ""],
])("%j", (line, words, current, kept, quote) => {
  expect(readBashLine(line, BREAKS)).toEqual({ words, current, kept, quote: quote as "" });
});

test("a shell without = and : among its breaks replaces the whole word", () => {
  expect(readBashLine("portail --listen=unix:/r", " \t\n").kept).toBe(0);
});

test.each([
  ["--config=a.b:c/d@e,f", "--config=a.b:c/d@e,f"],
  ["a b", "a\\ b"],
  ["$(reboot);`x`'\"&|*?~!#{}[]<>\\", "\\$\\(reboot\\)\\;\\`x\\`\\'\\\"\\&\\|\\*\\?\\~\\!\\#\\{\\}\\[\\]\\<\\>\\\\"],
  ["é", "é"],
])("bashQuoted(%j)", (value, quoted) => {
  expect(bashQuoted(value)).toBe(quoted);
});

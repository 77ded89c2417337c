/** Removing parts of a policy's text, and applying edits. Gives up where comments or brackets are in the way. */
import type { Span } from "../../diagnostic.ts";
import type { Edit } from "./finding.ts";

/** Takes a block or clause away, with its lines if nothing else stands on them, and one of two empty lines around it. */
export function removal(text: string, { start, end }: Span): Edit {
  const lineStart = text.lastIndexOf("\n", start - 1) + 1;
  const newline = text.indexOf("\n", end);
  const lineEnd = newline === -1 ? text.length : newline;
  if (text.slice(lineStart, start).trim() !== "" || text.slice(end, lineEnd).trim() !== "") {
    const blank = /^[ \t]*/.exec(text.slice(end, lineEnd))![0].length;
    return { start, end: end + blank, text: "" };
  }
  const after = Math.min(text.length, lineEnd + 1);
  const emptyBefore = lineStart === 0 || /\n[ \t\r]*\n$/.test(text.slice(Math.max(0, lineStart - 200), lineStart));
  const emptyAfter = /^[ \t\r]*\n/.exec(text.slice(after, after + 200));
  return { start: lineStart, end: emptyBefore && emptyAfter !== null ? after + emptyAfter[0].length : after, text: "" };
}

/** Takes one operand out of a group, with its operator and its own parentheses; undefined where that is not plain. */
export function operandRemoval(text: string, items: readonly Span[], index: number): Edit | undefined {
  const item = items[index]!;
  if (index > 0) {
    const gap = /^([\s)]*)(?:and|or)([\s(]*)$/.exec(text.slice(items[index - 1]!.end, item.start));
    if (gap === null) return undefined;
    const end = afterParentheses(text, item.end, count(gap[2]!, "("));
    const start = items[index - 1]!.end + gap[1]!.trimEnd().length;
    return end === undefined ? undefined : { start, end, text: separator(text, start, end) };
  }
  const next = items[1];
  const gap = next === undefined ? null : /^([\s)]*)(?:and|or)\s*/.exec(text.slice(item.end, next.start));
  if (next === undefined || gap === null) return undefined;
  const opened = count(gap[1]!, ")");
  const before = /[\s(]*$/.exec(text.slice(Math.max(0, item.start - 500), item.start))![0];
  if (count(before, "(") < opened) return undefined;
  let start = item.start;
  for (let left = opened; left > 0; start--) if (text[start - 1] === "(") left--;
  return { start, end: item.end + gap[0].length, text: "" };
}

/** Takes an item out of a list, with its comma. */
export function itemRemoval(items: readonly Span[], index: number): Edit {
  const { start, end } = items[index]!;
  if (index > 0) return { start: items[index - 1]!.end, end, text: "" };
  return { start, end: items[1]?.start ?? end, text: "" };
}

/** Applies fixes, each whole or not at all: one that overlaps an earlier one waits for the next round. */
export function applyEdits(text: string, edits: readonly Edit[]): { text: string; applied: number } {
  const parts: string[] = [];
  let at = 0;
  let applied = 0;
  for (const { start, end, text: replacement } of edits.toSorted((x, y) => x.start - y.start || x.end - y.end)) {
    if (start < at) continue;
    parts.push(text.slice(at, start), replacement);
    at = end;
    applied++;
  }
  parts.push(text.slice(at));
  return { text: parts.join(""), applied };
}

const count = (text: string, char: string): number => text.split(char).length - 1;

/** The place behind `wanted` closing parentheses. */
function afterParentheses(text: string, from: number, wanted: number): number | undefined {
  let at = from;
  for (let left = wanted; left > 0; left--) {
    while (/\s/.test(text[at] ?? "")) at++;
    if (text[at++] !== ")") return undefined;
  }
  return at;
}

/** Words that were apart stay apart. */
function separator(text: string, start: number, end: number): string {
  return isWord(text[start - 1]) && isWord(text[end]) ? " " : "";
}

const isWord = (char: string | undefined): boolean => char !== undefined && /[\p{L}\p{N}_".:-]/u.test(char);

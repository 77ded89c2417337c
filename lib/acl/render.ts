/** Diagnostics as text with carets. Not colours. */
import type { Diagnostic } from "./diagnostic.ts";
import type { Source, Sources } from "./source.ts";

/** What can be shown so: a diagnostic, or what looks like one, with codes and severities of its own. */
interface Shown extends Omit<Diagnostic, "code" | "severity"> {
  readonly code: string;
  readonly severity: string;
}

/**
 * One paragraph per diagnostic: place, code and message, the lines that matter with a caret, the hint. At most two
 * lines of source each, cut to `width` columns around the caret, whatever the size of the file.
 */
export function renderDiagnostics(diagnostics: readonly Shown[], sources: Sources, width = 100): string {
  return diagnostics.map((one) => render(one, sources.get(one.file), width)).join("\n\n");
}

function render(one: Shown, source: Source | undefined, width: number): string {
  const message = clean(one.message);
  const lines = [`${clean(one.file)}:${one.line}:${one.column}: ${one.severity}: ${message} [${one.code}]`];
  if (source !== undefined) lines.push(...excerpt(one, source, width));
  if (one.hint !== undefined) lines.push(`  hint: ${clean(one.hint)}`);
  return lines.join("\n");
}

function excerpt(one: Shown, source: Source, width: number): string[] {
  const { text, lead, cutBefore, cutAfter } = source.excerpt(one.start, Math.floor(width * 0.7), width);
  if (text.trim() === "") return [];
  const before = Array.from(text.slice(0, lead), printable);
  const after = Array.from(text.slice(lead), printable);
  const room = Math.max(20, width - before.length);
  const shown = `${cutBefore ? "…" : ""}${before.join("")}${after.slice(0, room).join("")}${cutAfter || after.length > room ? "…" : ""}`;
  const covered = Array.from(text.slice(lead, lead + one.end - one.start)).length;
  const carets = "^".repeat(Math.max(1, Math.min(covered, room)));
  const blank = before.map((point) => (point === "\t" ? "\t" : " ")).join("");
  const margin = " ".repeat(String(one.line).length);
  const label = one.label === undefined ? "" : ` ${clean(one.label)}`;
  return [` ${margin} |`, ` ${one.line} | ${shown}`, ` ${margin} | ${cutBefore ? " " : ""}${blank}${carets}${label}`];
}

/** Control characters of a hostile file must not reach a terminal. */
function printable(point: string): string {
  return point !== "\t" && /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(point) ? "\ufffd" : point;
}

const clean = (text: string): string => Array.from(text, printable).join("");

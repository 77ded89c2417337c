/** Diagnostics as text with carets, and as JSON. Not colours. */
import type { Diagnostic } from "./diagnostic.ts";
import type { Source, Sources } from "./source.ts";

/**
 * One paragraph per diagnostic: place, code and message, the lines that matter with a caret, the hint. At most two
 * lines of source each, cut to `width` columns around the caret, whatever the size of the file.
 */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], sources: Sources, width = 100): string {
  return diagnostics.map((one) => render(one, sources.get(one.file), width)).join("\n\n");
}

function render(one: Diagnostic, source: Source | undefined, width: number): string {
  const lines = [`${one.file}:${one.line}:${one.column}: ${one.severity}: ${one.message} [${one.code}]`];
  const shown = source?.line(one.line);
  if (shown !== undefined && shown.trim() !== "") lines.push(...excerpt(one, source!, width));
  if (one.hint !== undefined) lines.push(`  hint: ${one.hint}`);
  return lines.join("\n");
}

function excerpt(one: Diagnostic, source: Source, width: number): string[] {
  const points = [...source.line(one.line)];
  const at = one.column - 1;
  // A long line is cut so that the caret is in view.
  const from = at < width - 20 ? 0 : at - Math.floor(width / 2);
  const window = points.slice(from, from + width).map(printable);
  const text = `${from > 0 ? "…" : ""}${window.join("")}${points.length > from + width ? "…" : ""}`;
  const covered = [...source.text.slice(one.start, Math.min(one.end, one.start + 1000)).split("\n")[0]!].length;
  const carets = Math.max(1, Math.min(covered, width - (at - from)));
  const number = String(one.line);
  const margin = " ".repeat(number.length);
  const lead = points
    .slice(from, at)
    .map((point) => (point === "\t" ? "\t" : " "))
    .join("");
  const label = one.label === undefined ? "" : ` ${one.label}`;
  return [
    ` ${margin} |`,
    ` ${number} | ${text}`,
    ` ${margin} | ${from > 0 ? " " : ""}${lead}${"^".repeat(carets)}${label}`,
  ];
}

/** Control characters of a hostile file must not reach a terminal. */
function printable(point: string): string {
  return point !== "\t" && /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(point) ? "\ufffd" : point;
}

/** The diagnostics as a JSON array, one object each, in the order given. */
export function diagnosticsToJson(diagnostics: readonly Diagnostic[]): string {
  return JSON.stringify(diagnostics, undefined, 2);
}

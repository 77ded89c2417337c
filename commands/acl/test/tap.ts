/** A run of cases as TAP version 13, with what is known of a failure as YAML. Source: testanything.org. */
import type { CaseReport, RunReport } from "../../../lib/acl/testing/report.ts";
import { coverageText, fateText, gapsOf, oneLine } from "./text.ts";

/** Ends with a line feed. */
export function tapReport({ cases, notRun, coverage }: RunReport): string {
  const lines = ["TAP version 13", `1..${cases.length}`, ...cases.flatMap(caseLines)];
  if (notRun > 0) lines.push(`# stopped at the first failure: ${notRun} did not run`);
  if (coverage !== undefined) {
    lines.push(`# ${coverageText(coverage)}`);
    for (const block of coverage.blocks)
      for (const gap of gapsOf(block)) lines.push(oneLine(`# ${block.kind} ${block.name}: ${gap}`));
  }
  return `${lines.join("\n")}\n`;
}

function caseLines(one: CaseReport, index: number): string[] {
  const line = `${one.failed.length === 0 ? "ok" : "not ok"} ${index + 1} - ${descriptionOf(one.name)}`;
  if (one.failed.length === 0) return [line];
  return [
    line,
    "  ---",
    ...field("message", `expected ${one.expected}, got ${one.got}`),
    ...field("file", one.file),
    `  line: ${one.line}`,
    ...field("expected", one.expected),
    ...field("got", one.got),
    ...list("given", one.given),
    ...list(
      "why",
      one.why.map((reason) => `${fateText(reason)} (${reason.file}:${reason.line})`),
    ),
    "  ...",
  ];
}

/** A `#` would begin a directive, by which a failure could be made to count as none. */
function descriptionOf(name: string): string {
  return oneLine(name).replace(/[\\#]/g, "\\$&");
}

/** A JSON text is a YAML scalar. */
function field(name: string, value: string): string[] {
  return [`  ${name}: ${JSON.stringify(oneLine(value))}`];
}

function list(name: string, values: readonly string[]): string[] {
  return values.length === 0 ? [] : [`  ${name}:`, ...values.map((one) => `    - ${JSON.stringify(oneLine(one))}`)];
}

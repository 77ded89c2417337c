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

function caseLines({ name, file, line, failure }: CaseReport, index: number): string[] {
  const head = `${failure === undefined ? "ok" : "not ok"} ${index + 1} - ${descriptionOf(name)}`;
  if (failure === undefined) return [head];
  const { given, expected, got, why } = failure;
  const reasons = why.map((reason) => `${fateText(reason)} (${reason.file}:${reason.line})`);
  return [
    head,
    "  ---",
    ...field("message", `expected ${expected}, got ${got}`),
    ...field("file", file),
    `  line: ${line}`,
    ...field("expected", expected),
    ...field("got", got),
    ...list("given", given),
    ...list("why", reasons),
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

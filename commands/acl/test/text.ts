/** A run of cases for people: each failure with what was given, expected and got, and why; then the sum. Not for programs. */
import type { BlockCoverage, Coverage } from "../../../lib/acl/testing/coverage.ts";
import type { CaseReport, Failure, ReasonReport, RunReport } from "../../../lib/acl/testing/report.ts";
import { whereIs } from "../../../lib/acl/testing/report.ts";
import type { Sources } from "../../../lib/acl/source.ts";
import { printable } from "../../../lib/command/log.ts";

interface TextStyle {
  color: boolean;
  sources: Sources;
}

const RED = 31;
const GREEN = 32;
const YELLOW = 33;
const BOLD = 1;
const DIM = 2;
/** Facts stand on one line up to this width. */
const WIDTH = 100;
const STATE_COLORS = { true: GREEN, false: RED, missing: YELLOW, mistyped: YELLOW, unknown: YELLOW, unreached: DIM };

/** Ends with a line feed. */
export function textReport(run: RunReport, style: TextStyle): string {
  const failures = run.cases.flatMap((one) => (one.failure ? [...failureLines(one, one.failure, style), ""] : []));
  const coverage = run.coverage === undefined ? [] : coverageLines(run.coverage, style);
  return `${[...failures, sumLine(run, style), ...coverage].join("\n")}\n`;
}

/** `100 cases, 99 passed, 1 failed`. */
export function sumText({ cases, passed, failed, notRun }: RunReport): string {
  const count = cases.length === 1 ? "1 case" : `${cases.length} cases`;
  const left = notRun === 0 ? "" : `; stopped at the first failure, ${notRun} did not run`;
  return `${count}, ${passed} passed${failed === 0 ? "" : `, ${failed} failed`}${left}`;
}

/** `coverage 94.1 % (112 of 119)`. */
export function coverageText({ percent, covered, total }: Coverage): string {
  // Not rounded up: 99.96 is not all.
  return `coverage ${(Math.floor(percent * 10) / 10).toFixed(1)} % (${covered} of ${total})`;
}

/** What no case has seen of a policy or route, in a few words each. */
export function gapsOf({ reached, clauses }: BlockCoverage): string[] {
  if (!reached) return ["never reached"];
  return clauses.flatMap(({ kind, sawTrue, sawFalse, possible }) => {
    if (Number(sawTrue) + Number(sawFalse) >= possible) return [];
    if (sawTrue === sawFalse) return [`${kind} never asked`];
    return [`${kind} never ${sawTrue ? "false" : "true"}`];
  });
}

/** A reason without its place: `payroll did not hold`. */
export function fateText({ policy, fate }: ReasonReport): string {
  return oneLine(`${policy} ${fate}`);
}

/** What a file holds must neither break a line nor command a terminal. */
export function oneLine(text: string): string {
  return printable(text.replace(/[\n\t]/g, " "));
}

function failureLines(one: CaseReport, { given, expected, got, why }: Failure, style: TextStyle): string[] {
  const label = (text: string) => paint(style, DIM, text.padEnd(9));
  return [
    `${paint(style, RED, "FAIL")} ${paint(style, BOLD, oneLine(one.name))} (${whereText(one)})`,
    ...givenLines(given).map((line, i) => `  ${i === 0 ? label("given") : " ".repeat(9)} ${line}`),
    `  ${label("expected")} ${paint(style, GREEN, oneLine(expected))}`,
    `  ${label("got")} ${paint(style, RED, oneLine(got))}`,
    ...why.flatMap((reason) => reasonLines(reason, style)),
  ];
}

function reasonLines(reason: ReasonReport, style: TextStyle): string[] {
  const asked = reason.asked.map(({ state, text }) => {
    const shown = text.length > 200 ? `${text.slice(0, 199)}…` : text;
    return `    ${paint(style, STATE_COLORS[state], state.padEnd(8))} ${oneLine(shown)}`;
  });
  return [`  ${fateText(reason)} (${whereText(reason)})`, ...(reason.fate === "was not reached" ? [] : asked)];
}

function givenLines(given: readonly string[]): string[] {
  const facts = given.map(oneLine);
  const flat = facts.join(", ");
  return flat.length <= WIDTH ? [flat] : facts;
}

function sumLine(run: RunReport, style: TextStyle): string {
  return paint(style, run.failed === 0 ? GREEN : RED, sumText(run));
}

function coverageLines(coverage: Coverage, style: TextStyle): string[] {
  const gaps = coverage.blocks.flatMap((block) => gapsOf(block).map((gap) => ({ block, gap })));
  const width = Math.min(40, Math.max(0, ...gaps.map(({ block }) => oneLine(nameOf(block)).length)));
  const lines = gaps.map(({ block, gap }) => {
    const where = whereText(whereIs(block.place, style.sources));
    return `  ${oneLine(nameOf(block)).padEnd(width)}  ${gap.padEnd(19)}  ${paint(style, DIM, where)}`;
  });
  return [coverageText(coverage), ...lines];
}

const nameOf = ({ kind, name }: BlockCoverage): string => (kind === "policy" ? name : `route ${name}`);
const whereText = ({ file, line }: { file: string; line: number }): string => oneLine(`${file}:${line}`);
const paint = ({ color }: TextStyle, code: number, text: string): string =>
  color ? `\u001b[${code}m${text}\u001b[0m` : text;

/** A run of cases as JUnit XML in the form that Jenkins' schema describes: a suite per file. */
import type { CaseReport, RunReport } from "../../../lib/acl/testing/report.ts";
import { coverageText, fateText } from "./text.ts";

/** Ends with a line feed. */
export function junitReport({ cases, failed, coverage }: RunReport): string {
  const files = [...new Set(cases.map(({ file }) => file))];
  const properties =
    coverage === undefined
      ? []
      : [
          "    <properties>",
          `      <property name="coverage" value="${attribute(coverage.percent.toFixed(2))}"/>`,
          `      <property name="coverage.text" value="${attribute(coverageText(coverage))}"/>`,
          "    </properties>",
        ];
  const suites = files.flatMap((file, i) => {
    const own = cases.filter((one) => one.file === file);
    const counts = `tests="${own.length}" failures="${own.filter(({ failure }) => failure !== undefined).length}" errors="0"`;
    const head = `  <testsuite name="${attribute(file)}" ${counts} skipped="0">`;
    return [head, ...(i === 0 ? properties : []), ...own.flatMap(caseLines), "  </testsuite>"];
  });
  const counts = `tests="${cases.length}" failures="${failed}" errors="0"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="portail acl test" ${counts}>`,
    ...suites,
    "</testsuites>",
    "",
  ].join("\n");
}

function caseLines({ name, file, line, failure }: CaseReport): string[] {
  const names = `name="${attribute(name)}" classname="${attribute(file)}"`;
  if (failure === undefined) return [`    <testcase ${names}/>`];
  const { parts, given, expected, got, why } = failure;
  const message = `expected ${expected}, got ${got}`;
  const reasons = why.flatMap((reason) => [
    `${fateText(reason)} (${reason.file}:${reason.line})`,
    ...reason.asked.map(({ state, text: asked }) => `  ${state} ${asked}`),
  ]);
  const body = [`${file}:${line}`, `given ${given.join(", ")}`, message, ...reasons].join("\n");
  return [
    `    <testcase ${names}>`,
    `      <failure type="${attribute(parts.join(" "))}" message="${attribute(message)}">${text(body)}</failure>`,
    "    </testcase>",
  ];
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Characters that XML 1.0 cannot hold (section 2.2) become U+FFFD. */
function text(value: string): string {
  return value
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replace(/[&<>"]/g, (char) => ENTITIES[char]!);
}

/** Line breaks and tabs in an attribute would be read as spaces. */
function attribute(value: string): string {
  return text(value).replace(/[\t\n\r]/g, (char) => `&#${char.charCodeAt(0)};`);
}

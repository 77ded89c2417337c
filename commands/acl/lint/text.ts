/** Findings for people: a paragraph each, with the line, a caret, the hint and the page. Nothing where there are none. */
import { type Finding, pageOf } from "../../../lib/acl/lint/engine/finding.ts";
import { renderDiagnostics } from "../../../lib/acl/render.ts";
import type { Format } from "./run.ts";

/** Suppressed findings are left out. */
export const textFormat: Format = (linted, { stdout }) => {
  const open = linted.flatMap(({ findings, sources }) =>
    findings
      .filter(({ suppressed }) => suppressed === undefined)
      .map((one) => {
        const shown = renderDiagnostics([{ ...one, code: one.rule }], sources, stdout.columns);
        const fix = one.fix === undefined ? "" : " (--fix repairs this)";
        return { severity: one.severity, text: `${shown}\n  page: ${pageOf(one.rule)}${fix}` };
      }),
  );
  if (open.length === 0) return "";
  return `${open.map(({ text }) => `${text}\n\n`).join("")}${summary(open)}\n`;
};

/** `2 errors, 1 note`. */
function summary(findings: readonly Pick<Finding, "severity">[]): string {
  return (["error", "warning", "note"] as const)
    .map((severity) => ({ severity, count: findings.filter((one) => one.severity === severity).length }))
    .filter(({ count }) => count > 0)
    .map(({ severity, count }) => `${count} ${severity}${count === 1 ? "" : "s"}`)
    .join(", ");
}

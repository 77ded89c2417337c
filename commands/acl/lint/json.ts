/** Findings as one JSON document, suppressed ones with the reason. */
import { pageOf } from "../../../lib/acl/lint/engine/finding.ts";
import type { Format } from "./run.ts";

/** Lines and columns count from 1, columns in code points; `start`, `end` are offsets in UTF-16 units. */
export const jsonFormat: Format = (linted) => {
  const findings = linted.flatMap(({ findings }) =>
    findings.map(({ rule, severity, message, hint, file, suppressed, fix, ...rest }) => {
      const { line, column, endLine, endColumn, start, end } = rest;
      const place = { file, line, column, endLine, endColumn, start, end };
      return { rule, severity, message, hint, ...place, page: pageOf(rule), fix, suppressed };
    }),
  );
  return `${JSON.stringify({ version: 1, findings }, undefined, 2)}\n`;
};

/** Findings as one JSON document, suppressed ones with the reason; or the diagnostics of what is broken. */
import type { Diagnostic } from "../../../lib/acl/diagnostic.ts";
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
  return document({ findings });
};

/** Why policies do not load: there are no findings then. */
export function brokenJson(diagnostics: readonly Diagnostic[]): string {
  return document({ findings: [], diagnostics });
}

const document = (parts: object): string => `${JSON.stringify({ version: 1, ...parts }, undefined, 2)}\n`;

/** Findings as annotations of a GitHub workflow: one command a line. */
import { type Finding, pageOf, type Severity } from "../../../lib/acl/lint/engine/finding.ts";
import type { Format } from "./run.ts";

const LEVELS: Readonly<Record<Severity, string>> = { note: "notice", warning: "warning", error: "error" };

/** Suppressed findings are left out. */
export const githubFormat: Format = (linted) =>
  linted
    .flatMap(({ findings }) => findings)
    .filter(({ suppressed }) => suppressed === undefined)
    .map((one) => `::${LEVELS[one.severity]} ${properties(one)}::${data(text(one))}\n`)
    .join("");

function text({ message, hint, rule }: Finding): string {
  return `${message}${hint === undefined ? "" : `\nhint: ${hint}`}\npage: ${pageOf(rule)}`;
}

function properties({ file, line, column, endLine, endColumn, rule }: Finding): string {
  const place = { file, line, col: column, endLine, endColumn: Math.max(column, endColumn - 1), title: rule };
  return Object.entries(place)
    .map(([name, value]) => `${name}=${property(String(value))}`)
    .join(",");
}

/** What would end a command or a property is percent-encoded. */
const data = (text: string): string => text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
const property = (text: string): string => data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");

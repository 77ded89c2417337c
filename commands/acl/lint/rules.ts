/** The list of rules for `--rules`: one line each. */
import { RULES } from "../../../lib/acl/lint/engine/rules.ts";

/** Id, severity, `fix` where `--fix` repairs it, and the summary. */
export function listRules(): string {
  const width = Math.max(...RULES.map(({ id }) => id.length));
  return RULES.map(
    ({ id, severity, fixable, summary }) =>
      `${id.padEnd(width)}  ${severity.padEnd(7)}  ${fixable ? "fix" : "   "}  ${summary}\n`,
  ).join("");
}

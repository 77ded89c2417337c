/** Errors as text on stderr, and the exit status that goes with them: the one place of the program that does this. */

import { EXIT, PortailError, type ExitStatus } from "../lib/command/errors.ts";
import { printable } from "../lib/command/log.ts";
import type { Runtime } from "../lib/command/runtime.ts";

/**
 * Prints what went wrong in `path` (the command's words) and returns the exit status. An operator's mistake is message,
 * code and hint, unless it is quiet; anything else is our own and asks for a report. The stack is printed with `PORTAIL_DEBUG` set.
 */
export function report(runtime: Pick<Runtime, "stderr" | "env">, path: readonly string[], error: unknown): ExitStatus {
  const { stderr, env } = runtime;
  const name = path.join(" ");
  if (!(error instanceof PortailError)) {
    stderr.write(crashText(name, error, Boolean(env["PORTAIL_DEBUG"])));
    return EXIT.bug;
  }
  if (error.quiet) return error.exit;
  const detail = error.detail === undefined ? "" : `${printable(error.detail).trimEnd()}\n`;
  const hint = error.hint === undefined ? "" : `  hint: ${printable(error.hint)}\n`;
  const stack = env["PORTAIL_DEBUG"] ? `${error.stack}\n` : "";
  stderr.write(`${detail}${name}: ${printable(error.message)} [${error.code}]\n${hint}${stack}`);
  return error.exit;
}

/** What is printed for a fault of ours. */
export function crashText(name: string, error: unknown, withStack: boolean): string {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const stack = withStack && error instanceof Error ? `${error.stack}\n` : "";
  const more = withStack ? "" : "; PORTAIL_DEBUG=1 shows where it comes from";
  return `${stack}${name}: internal error: ${printable(message)} [bug]\n  hint: this is a bug in portail, please report it${more}\n`;
}

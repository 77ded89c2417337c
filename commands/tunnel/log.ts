/** The log of a tunnel: ghostunnel's `--quiet` is a list of classes, not a switch. */
import type { ParsedArgs } from "../../lib/command/define.ts";
import type { Logger } from "../../lib/command/log.ts";
import { parseChoice } from "../../lib/command/values.ts";
import { logToSyslog } from "../../lib/service/syslog.ts";
import type { serverArgs } from "./flags.ts";
import { parseQuiet } from "./settings.ts";

/**
 * `calm` where a person sees the log between other things: warnings only. `--quiet=all` leaves no line, as with ghostunnel.
 * Answers what is to be called at the end. Throws `PortailError`: 64 for an unknown format or class, 69 where there is no
 * syslog.
 */
export function configureTunnelLog(
  log: Logger,
  given: Pick<ParsedArgs<typeof serverArgs>, "log-format" | "quiet" | "debug" | "syslog">,
  calm: boolean,
): () => void {
  const format = parseChoice("--log-format", given["log-format"], ["text", "json"]);
  const { all } = parseQuiet(given.quiet);
  log.configure({ format, level: given.debug ? "debug" : calm ? "warn" : "info" });
  if (all) log.configure({ lines() {} });
  return given.syslog && !all ? logToSyslog(log) : () => {};
}

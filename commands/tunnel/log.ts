/** The log of a tunnel: ghostunnel's `--quiet` is a list of classes, not a switch. */
import type { ParsedArgs } from "../../lib/command/define.ts";
import type { Logger } from "../../lib/command/log.ts";
import { parseChoice } from "../../lib/command/values.ts";
import type { serverArgs } from "./flags.ts";
import { parseQuiet } from "./settings.ts";

/** Throws `PortailError` (64) for an unknown format or class. */
export function configureTunnelLog(
  log: Logger,
  given: Pick<ParsedArgs<typeof serverArgs>, "log-format" | "quiet" | "debug">,
): void {
  const format = parseChoice("--log-format", given["log-format"], ["text", "json"]);
  log.configure({ format, level: parseQuiet(given.quiet).all ? "error" : given.debug ? "debug" : "info" });
}

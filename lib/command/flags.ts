/** Flags that several commands share, to be spread into their `args`, and what they mean. */

import { EXIT, PortailError } from "./errors.ts";
import type { ArgDefinitions, ParsedArgs } from "./define.ts";
import type { Logger } from "./log.ts";
import { parseChoice } from "./values.ts";

/** `--config FILE`: cli/run.ts reads the file and merges it before the command runs. */
export const configFlags = {
  config: {
    type: "string",
    valueHint: "FILE",
    group: "General",
    description: "Read flags and tables from a TOML file",
  },
} as const satisfies ArgDefinitions;

/** How to log. Apply with `configureLog`. */
export const logFlags = {
  "log-format": {
    type: "string",
    valueHint: "text|json",
    default: "text",
    group: "Log",
    description: "Format of the log on standard error",
  },
  quiet: { type: "boolean", group: "Log", description: "Log warnings and errors only" },
  debug: { type: "boolean", group: "Log", description: "Log more" },
} as const satisfies ArgDefinitions;

/** Sets up `log` by `logFlags`. Throws PortailError (64) for an unknown format or `--quiet` with `--debug`. */
export function configureLog(log: Logger, args: ParsedArgs<typeof logFlags>): void {
  const format = parseChoice("--log-format", args["log-format"], ["text", "json"]);
  if (args.quiet && args.debug) {
    throw new PortailError("--quiet and --debug exclude each other", { code: "usage.conflict", exit: EXIT.usage });
  }
  log.configure({ format, level: args.quiet ? "warn" : args.debug ? "debug" : "info" });
}

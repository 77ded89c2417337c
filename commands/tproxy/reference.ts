/** Flags of tls-tproxy that have another name or no meaning here: taken, or refused with what to do instead. */
import { usage } from "../../lib/command/argv.ts";
import type { Logger } from "../../lib/command/log.ts";

const LEVELS: Record<string, "debug" | "info" | "warn" | undefined> = {
  trace: "debug",
  debug: "debug",
  info: "info",
  warning: "warn",
  warn: "warn",
  error: "warn",
  fatal: "warn",
  panic: "warn",
};

/** Throws `PortailError` (64). */
export function applyReference(
  given: { "log-level": string | undefined; "cert-checker-plugin": string | undefined },
  log: Logger,
): void {
  const { "log-level": logLevel, "cert-checker-plugin": certCheckerPlugin } = given;
  if (certCheckerPlugin !== undefined && certCheckerPlugin !== "san_verifier")
    throw usage(
      "usage.value",
      `--certCheckerPlugin: there is no plugin ${JSON.stringify(certCheckerPlugin)}`,
      "leave it out: alternative names are checked; --verify-dns and its like ask for more",
    );
  if (logLevel === undefined) return;
  const level = LEVELS[logLevel];
  if (level === undefined)
    throw usage(
      "usage.value",
      `--logLevel: ${JSON.stringify(logLevel)} is not a value it takes`,
      `use one of ${Object.keys(LEVELS).join(", ")}; or --quiet and --debug`,
    );
  log.configure({ level });
}

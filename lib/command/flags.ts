/** Flags that several commands share, to be spread into their `args`, and what they mean. */

import { auditFullFlag, AUDIT_PLACES } from "../audit/settings.ts";
import { EXIT, PortailError } from "./errors.ts";
import type { ArgDefinitions, ParsedArgs } from "./define.ts";
import type { Logger } from "./log.ts";
import { parseChoice, parseDuration } from "./values.ts";

/** `--config FILE`: cli/run.ts reads the file and merges it before the command runs. */
export const configFlags = {
  config: {
    type: "string",
    valueHint: "FILE",
    group: "General",
    description: "Read flags and tables from a TOML file",
  },
} as const satisfies ArgDefinitions;

/** Of daemons behind a proxy that tells who the client is. Read with `lib/net/accept-proxy.ts`. */
export const acceptProxyFlags = {
  "accept-proxy-from": {
    type: "string",
    multiple: true,
    valueHint: "NETWORK",
    group: "Listening",
    description: "Demand a PROXY header (v1, v2) from these addresses, or unix:, and refuse it from all others",
  },
} as const satisfies ArgDefinitions;

/** Of daemons that lead connections on. Opened with `openAuditSink` (lib/audit/sink.ts). */
export const connectionAuditFlags = {
  audit: {
    type: "string",
    valueHint: "DEST",
    group: "Log",
    description: `Write each connection, let through or not, as a JSON line to ${AUDIT_PLACES}`,
  },
  ...auditFullFlag,
} as const satisfies ArgDefinitions;

const PROGRAM = "Program";

/** Of commands that serve one program, which stands behind `--`. Read with `ChildCommand` (lib/service/child.ts). */
export const programFlags = {
  env: {
    type: "string",
    multiple: true,
    valueHint: "NAME=VALUE",
    group: PROGRAM,
    description: "Set this in the environment of the program; {host}, {port} and {socket} are filled in",
  },
  command: {
    type: "positional",
    multiple: true,
    behindDashes: true,
    valueHint: "PROGRAM",
    group: PROGRAM,
    description: "Run this program, and end with it; {host}, {port} and {socket} are filled in",
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

/** When a daemon reloads and how it ends. Their values are `LifeOptions` (lib/service/life.ts). */
export const lifeFlags = {
  "timed-reload": {
    type: "string",
    default: "0",
    valueHint: "TIME",
    group: "Life",
    description: "Reload so often, as on SIGHUP; 0 never",
  },
  "shutdown-timeout": {
    type: "string",
    default: "5m",
    valueHint: "TIME",
    group: "Life",
    description: "How long open connections may go on after SIGTERM",
  },
} as const satisfies ArgDefinitions;

/** The values of `lifeFlags`, in milliseconds. Throws PortailError (64). */
export function parseLife(args: ParsedArgs<typeof lifeFlags>): { timedReload: number; shutdownTimeout: number } {
  return {
    timedReload: parseDuration("--timed-reload", args["timed-reload"]),
    shutdownTimeout: parseDuration("--shutdown-timeout", args["shutdown-timeout"]),
  };
}

/** Where a daemon tells how it is. Their values are `StatusSettings` (lib/service/status-settings.ts). */
export const statusFlags = {
  status: {
    type: "string",
    valueHint: "ADDRESS",
    group: "Status",
    description:
      "Serve a page, /_status and /metrics there: [http://]HOST:PORT, https://HOST:PORT, unix:PATH, systemd:NAME",
  },
  "status-cacert": {
    type: "string",
    multiple: true,
    valueHint: "FILE",
    group: "Status",
    description: "Authorities of the certificates that --status-acl looks at",
  },
  "status-acl": {
    type: "string",
    valueHint: "FILE",
    group: "Status",
    description:
      "A policy that says who sees there by whom connections are open; without it, only who comes by unix:PATH",
  },
  "status-name": {
    type: "string",
    multiple: true,
    valueHint: "NAME",
    group: "Status",
    description: "A further name under which browsers may ask for the page, besides localhost and addresses",
  },
  "enable-shutdown": {
    type: "boolean",
    group: "Status",
    description: "Let POST /_shutdown there end the daemon as SIGTERM does",
  },
} as const satisfies ArgDefinitions;

/** For daemons. Apply with `logToSyslog` (lib/service/syslog.ts). */
export const syslogFlags = {
  syslog: { type: "boolean", group: "Log", description: "Log to the syslog of this machine instead of standard error" },
} as const satisfies ArgDefinitions;

/** Sets up `log` by `logFlags`. Throws PortailError (64) for an unknown format or `--quiet` with `--debug`. */
export function configureLog(log: Logger, args: ParsedArgs<typeof logFlags>): void {
  const format = parseChoice("--log-format", args["log-format"], ["text", "json"]);
  if (args.quiet && args.debug) {
    throw new PortailError("--quiet and --debug exclude each other", { code: "usage.conflict", exit: EXIT.usage });
  }
  log.configure({ format, level: args.quiet ? "warn" : args.debug ? "debug" : "info" });
}

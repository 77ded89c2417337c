/** The log for people and collectors, on stderr: consola with our two formats. Not the audit, and never data. */

import { createConsola, LogLevels } from "consola/core";
import type { OutputStream } from "./runtime.ts";

type LogFields = Readonly<Record<string, unknown>>;
type LogFormat = "text" | "json";
/** Takes a line without its end in the place of standard error, to which it need not say time and level. */
type LineSink = (level: LogLevel, line: string) => void;
export type LogLevel = "debug" | "info" | "warn" | "error";

/** A function is asked where the line is written, so that others cost nothing. */
type Message = string | (() => string);

export interface Logger {
  debug(message: Message, fields?: LogFields): void;
  info(message: Message, fields?: LogFields): void;
  warn(message: Message, fields?: LogFields): void;
  error(message: Message, fields?: LogFields): void;
  /** Whether lines of that level are written. */
  writes(level: LogLevel): boolean;
  /** Changes the format, the least level that is written, or where lines go; what is not given stays. */
  configure(options: { format?: LogFormat; level?: LogLevel; lines?: LineSink }): void;
}

const LEVEL = { debug: LogLevels.debug, info: LogLevels.info, warn: LogLevels.warn, error: LogLevels.error };
const COLOR = { debug: 90, info: 36, warn: 33, error: 31 };

interface LoggerOptions {
  stderr: OutputStream;
  /** Whether text lines begin with the time; not on a terminal, and not where the journal stamps them. */
  stamped: boolean;
  now?: () => Date;
}

/** A logger for `stderr`: text, from level info. */
export function createLogger({ stderr, stamped, now = () => new Date() }: LoggerOptions): Logger {
  let format: LogFormat = "text";
  let lines: LineSink | undefined;
  const consola = createConsola({
    level: LEVEL.info,
    throttle: 0,
    reporters: [
      {
        log({ type, args }) {
          const [message, fields] = args as [string, LogFields];
          const level = type as LogLevel;
          const text =
            format === "json"
              ? JSON.stringify({ time: now().toISOString(), level, message, ...fields })
              : textOf(message, fields);
          if (lines !== undefined) lines(level, text);
          else if (format === "json") stderr.write(`${text}\n`);
          else stderr.write(`${headOf(level, stderr.color, stamped ? now() : undefined)} ${text}\n`);
        },
      },
    ],
  });
  const at =
    (level: LogLevel) =>
    (message: Message, fields: LogFields = {}) => {
      if (LEVEL[level] <= consola.level) consola[level](typeof message === "string" ? message : message(), fields);
    };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    writes: (level) => LEVEL[level] <= consola.level,
    configure(options) {
      format = options.format ?? format;
      lines = options.lines ?? lines;
      if (options.level) consola.level = LEVEL[options.level];
    },
  };
}

function headOf(level: LogLevel, color: boolean, time: Date | undefined): string {
  const label = color ? `\u001b[${COLOR[level]}m${level}\u001b[39m` : level;
  return time === undefined ? label : `${time.toISOString()} ${label}`;
}

function textOf(message: string, fields: LogFields): string {
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${fieldText(value)}`);
  return `${printable(message)}${pairs.join("")}`;
}

/** Plain words stand bare; all else is JSON, so that what a peer sent cannot forge a field or a line. */
function fieldText(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  return typeof value !== "string" || /^[\w.:/@%+,-]+$/.test(text) ? text : printable(JSON.stringify(text));
}

/** As `printable`, and a single line whatever a peer has sent. */
export function printableLine(text: string): string {
  return printable(text).replaceAll("\t", "\\t").replaceAll("\n", "\\n");
}

/**
 * Control characters but tab and newline are shown as escapes, those that turn the direction of writing included: a
 * terminal must not obey what is logged, nor show it in another order.
 */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (c) => {
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** A line of an audit, read: what it says, or that it is broken. Prints nothing. */

/** An event of version 1 of the schema (docs/AUDIT.md); fields of events that are not known here are kept. */
export interface AuditLine extends Readonly<Record<string, unknown>> {
  readonly v: 1;
  readonly event: string;
  readonly command: string;
  readonly time: string;
}

/** What stands before the event, in a file that a syslog daemon wrote. */
const BEGIN = '{"v":';

/** Undefined for what is no event of an audit, or of another version. */
export function parseAuditLine(text: string): AuditLine | undefined {
  const at = text.startsWith("{") ? 0 : text.indexOf(BEGIN);
  if (at < 0) return undefined;
  let line: unknown;
  try {
    line = JSON.parse(text.slice(at));
  } catch {
    return undefined;
  }
  if (typeof line !== "object" || line === null) return undefined;
  const { v, event, command, time } = line as Record<string, unknown>;
  const whole = v === 1 && typeof event === "string" && typeof command === "string" && typeof time === "string";
  return whole && Number.isFinite(Date.parse(time)) ? (line as AuditLine) : undefined;
}

/** A field where it is text. */
export function textOf(line: AuditLine, field: string): string | undefined {
  const value = line[field];
  return typeof value === "string" ? value : undefined;
}

/** A field where it is a number that can be counted. */
export function countOf(line: AuditLine, field: string): number {
  const value = line[field];
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : 0;
}

/** The client without its port: an IP address, or what a UNIX socket has instead. */
export function clientAddress(line: AuditLine): string | undefined {
  const client = textOf(line, "client");
  if (client === undefined || client.startsWith("unix:")) return client;
  return client.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

/** What a client wanted: a target, an object of a storage, or a name. */
export function wantedOf(line: AuditLine): string | undefined {
  if (line.event === "object") return `${textOf(line, "method") ?? ""} ${textOf(line, "path") ?? ""}`;
  return textOf(line, "target") ?? textOf(line, "name");
}

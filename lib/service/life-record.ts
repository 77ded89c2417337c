/** What a daemon records of its own life: that it serves, reloads, drains and stops. */
import { AUDIT_VERSION, type AuditEvent } from "../audit/event.ts";
import type { AuditSink } from "../audit/sink.ts";
import type { Reloaded } from "./life.ts";

type LifeLine =
  { event: "start"; listen: string[] } | { event: "drain" | "stop"; open: number } | ({ event: "reload" } & Reloaded);

/** `command` is the daemon's. Without a sink nothing is recorded. */
export function recordLife(sink: AuditSink | undefined, command: string, line: LifeLine): void {
  sink?.write({ v: AUDIT_VERSION, time: new Date().toISOString(), command, ...line } as AuditEvent);
}

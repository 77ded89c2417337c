/** How much an event matters to who reads a syslog or a journal (RFC 5424 section 6.2.1). The audit itself has no levels. */
import type { AuditEvent } from "./event.ts";

const WARNING = 4;
const NOTICE = 5;
const INFO = 6;

/** Losses and failures are warnings; denials are notices; the rest informs. */
export function severityOf(event: AuditEvent): number {
  switch (event.event) {
    case "loss":
      return WARNING;
    case "reload":
      return event.outcome === "kept" ? WARNING : INFO;
    case "reject":
      return NOTICE;
    case "control":
      return event.outcome === "done" ? INFO : NOTICE;
    case "name":
      return event.outcome === "exhausted" ? WARNING : INFO;
    case "decision":
    case "session":
    case "object":
      return event.decision === "deny" ? NOTICE : INFO;
    default:
      return INFO;
  }
}

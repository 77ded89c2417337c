/** The human view of decisions, a line each, for a terminal. Fed by audit events; not a log and not the audit. */
import type { AuditEvent, CloseEvent, DecisionEvent } from "../../lib/audit/event.ts";
import { printableLine } from "../../lib/command/log.ts";
import type { OutputStream } from "../../lib/command/runtime.ts";

/** A recorder that shows decisions and ends on `stream`. */
export function liveView(stream: OutputStream): (event: AuditEvent) => void {
  const paint = painter(stream.color);
  return (event) => {
    const text = describe(event, paint);
    if (text !== undefined) stream.write(`${paint("dim", event.time.slice(11, 19))} ${text}\n`);
  };
}

type Paint = (style: keyof typeof STYLES, text: string) => string;

const STYLES = { green: 32, red: 31, yellow: 33, dim: 90 } as const;

function painter(color: boolean): Paint {
  return (style, text) => (color ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text);
}

function describe(event: AuditEvent, paint: Paint): string | undefined {
  switch (event.event) {
    case "decision":
      return describeDecision(event, paint);
    case "close":
      return describeClose(event, paint);
    case "reject":
      return `${paint("yellow", "reject")}   ${event.client}  ${printableLine(event.message)}`;
    default:
      return undefined;
  }
}

function describeDecision(event: DecisionEvent, paint: Paint): string {
  const verdict = event.decision.padEnd(8);
  const shown = paint(event.decision === "allow" ? "green" : "red", verdict);
  const who = event.user === undefined ? event.client : `${printableLine(event.user)}@${event.client}`;
  const target = printableLine(event.target);
  const where = event.redirected === undefined ? target : `${target} → ${event.redirected}`;
  const dest = event.dest === undefined || event.dest === event.target ? "" : ` (${event.dest})`;
  return `${shown} ${who}  ${event.protocol}  ${where}${dest}  ${paint("dim", why(event))}`;
}

function why(event: DecisionEvent): string {
  if (event.reason === "missing_fact") return `the fact ${event.missing} is missing, by ${event.policy ?? "default"}`;
  const by = event.policy === null ? "by default" : `by ${event.policy}`;
  if (event.guard === "udp") return `${by}, which does not name udp_associate`;
  if (event.guard !== undefined) return `${by}, which does not name ${event.guard} addresses`;
  return event.reason === "policy" || event.reason === "default" ? by : `${by}: ${event.reason}`;
}

function describeClose(event: CloseEvent, paint: Paint): string | undefined {
  if (event.reason === "deny" || event.reason === "challenge") return undefined;
  const traffic = `${bytes(event.sent)} out, ${bytes(event.received)} in, ${(event.duration / 1000).toFixed(1)} s`;
  const ordinary =
    event.error === undefined && (event.reason === "client" || event.reason === "upstream" || event.reason === "done");
  return `${paint("dim", "closed  ")} ${event.client}  ${printableLine(event.target)}  ${paint("dim", ordinary ? traffic : `${traffic}: ${event.reason}`)}`;
}

/** A size for people: three digits at most, binary prefixes. */
export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Counts of what an audit says: who was denied what, who moves most, and when. In bounded memory; prints nothing. */
import { clientAddress, countOf, textOf, wantedOf, type AuditLine } from "./line.ts";
import { Top } from "./top.ts";

/** Of the names in one line of a table; a peer chooses how long they are. */
const LONGEST_NAME = 256;
const HOUR = "2026-01-31T18".length;

export class Summary {
  lines = 0;
  first: string | undefined;
  last: string | undefined;
  /** Lines that the daemons themselves lost. */
  lost = 0;
  readonly events = new Top(1000);
  readonly decisions = new Top(1000);
  readonly policies = new Top();
  /** `who\0what`: denials. */
  readonly denied = new Top();
  /** Bytes, then connections, by who. */
  readonly talkers = new Top();
  /** Allowed, denied and bytes, by hour (UTC). */
  readonly hours = new Top();

  take(line: AuditLine): void {
    this.lines++;
    const time = new Date(line.time).toISOString();
    if (this.first === undefined || time < this.first) this.first = time;
    if (this.last === undefined || time > this.last) this.last = time;
    this.events.add(shorten(line.event), 1);
    if (line.event === "loss") this.lost += countOf(line, "lost");
    const decision = textOf(line, "decision");
    const denied = decision === "deny" || line.event === "reject";
    const who = shorten(textOf(line, "user") ?? clientAddress(line) ?? "unknown");
    if (decision !== undefined) {
      this.decisions.add(shorten(decision), 1);
      this.policies.add(shorten(textOf(line, "policy") ?? "default"), 1);
    }
    if (denied) {
      const what = line.event === "reject" ? `(${textOf(line, "reason") ?? "rejected"})` : (wantedOf(line) ?? "");
      this.denied.add(`${who}\0${shorten(what)}`, 1);
    }
    const bytes = countOf(line, "sent") + countOf(line, "received");
    const moved = line.event === "close" || line.event === "session" || line.event === "object";
    if (moved) this.talkers.add(who, bytes, 1);
    if (decision !== undefined || moved || denied) {
      this.hours.add(time.slice(0, HOUR), decision === "allow" ? 1 : 0, denied ? 1 : 0, bytes);
    }
  }
}

const shorten = (text: string): string => (text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME)}…` : text);

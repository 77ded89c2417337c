/** The audit file of a running daemon: its lines so far, and waiting for one. Asserts nothing. */
import { existsSync, readFileSync } from "node:fs";
import type { AuditEvent } from "../../lib/audit/event.ts";
import { until } from "./until.ts";

/** The lines of an event, also where one type has several events. */
export type LineOf<E, Line = AuditEvent> = Line extends { event: infer Event }
  ? E extends Event
    ? Line
    : never
  : never;

export class AuditTrail {
  readonly file: string;
  readonly #context: () => string;
  #since = "";

  /** `context` is what the daemon said besides, for the words of a failure. */
  constructor(file: string, context: () => string) {
    this.file = file;
    this.#context = context;
  }

  /** The lines so far, but for forgotten ones; each must be JSON. */
  lines(): AuditEvent[] {
    const lines = existsSync(this.file) ? auditLines(readFileSync(this.file, "utf8")) : [];
    return lines.filter(({ time }) => time > this.#since);
  }

  of<E extends AuditEvent["event"]>(event: E): LineOf<E>[] {
    return this.lines().filter((line): line is LineOf<E> => line.event === event);
  }

  /** Only what happens from now on counts; lines of before may still be on their way to the file. */
  forget(): void {
    this.#since = new Date().toISOString();
  }

  /** Waits for a line. */
  record<E extends AuditEvent["event"]>(
    event: E,
    matches: (line: LineOf<E>) => boolean = () => true,
  ): Promise<LineOf<E>> {
    return until(
      () => `a line "${event}" in the audit: ${JSON.stringify(this.lines(), undefined, 1)}\n${this.#context()}`,
      () => this.of(event).find(matches),
    );
  }
}

/** Whole JSON lines; a line that is still being written is left for the next look. */
export function auditLines(text: string): AuditEvent[] {
  return text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as AuditEvent);
}

/** Drives a preface (lib/session/preface.ts) on a connection, under a deadline. Neither opens nor closes the connection. */
import type { Preface, PrefaceStep } from "../session/preface.ts";
import type { Conn, ConnEvents, Early } from "./conn.ts";
import type { Deadlines } from "./deadlines.ts";
import { Due } from "./deadlines.ts";
import { ReceiveBuffer } from "./receive-buffer.ts";

export type PrefaceOutcome<T, Code extends string> =
  /** `early` is what came behind it, and is to be given to whoever reads the stream. */
  | { ok: true; value: T; early: Early }
  /** `bytes` are the last words that the peer is still to be told (see `endWith`). */
  | { ok: false; code: Code | "timeout" | "closed"; reason: string; bytes?: Uint8Array };

/**
 * `early` was read of it already. Resolves once the preface is over, at the latest when the connection closes or the deadline is past; never rejects.
 * The connection is as fresh afterwards: what comes is kept for the next receiver. Where it came to nothing the caller
 * is to end it.
 */
export function runPreface<T, Code extends string>(
  conn: Conn,
  preface: Preface<T, Code>,
  deadlines: Deadlines,
  early?: Early,
): Promise<PrefaceOutcome<T, Code>> {
  return new Promise((resolve) => new Run(conn, preface, deadlines, resolve).start(early));
}

class Run<T, Code extends string> extends Due implements ConnEvents {
  readonly #conn: Conn;
  readonly #preface: Preface<T, Code>;
  readonly #deadlines: Deadlines;
  readonly #resolve: (outcome: PrefaceOutcome<T, Code>) => void;
  #over = false;
  #ended = false;

  constructor(
    conn: Conn,
    preface: Preface<T, Code>,
    deadlines: Deadlines,
    resolve: (outcome: PrefaceOutcome<T, Code>) => void,
  ) {
    super();
    this.#conn = conn;
    this.#preface = preface;
    this.#deadlines = deadlines;
    this.#resolve = resolve;
  }

  start(early: Early | undefined): void {
    this.#deadlines.add(this);
    this.#take(this.#preface.start());
    if (early !== undefined && early.bytes.length > 0) this.data(early.bytes);
    if (early?.ended && !this.#over) this.end();
    if (!this.#over) this.#conn.attach(this);
  }

  data(chunk: Uint8Array): void {
    this.#take(this.#preface.receive(chunk));
  }

  drain(): void {}

  end(): void {
    this.#ended = true;
    this.#take([this.#preface.ended()]);
  }

  close(error?: Error): void {
    const code = (error as { code?: string } | undefined)?.code;
    this.#finish({ ok: false, code: "closed", reason: `the peer closed the connection${code ? ` (${code})` : ""}` });
  }

  override late(): void {
    this.#finish({ ok: false, code: "timeout", reason: "the deadline is over" });
  }

  #take(steps: PrefaceStep<T, Code>[]): void {
    for (const step of steps) {
      if (step.type === "send") this.#conn.write(step.bytes);
      else if (step.type === "done") {
        this.#finish({ ok: true, value: step.value, early: { bytes: step.rest, ended: this.#ended } });
      } else {
        const { code, reason, bytes } = step;
        this.#finish({ ok: false, code, reason, ...(bytes && { bytes }) });
      }
    }
  }

  #finish(outcome: PrefaceOutcome<T, Code>): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadlines.remove(this);
    if (!this.#conn.closed) this.#conn.attach(new ReceiveBuffer(this.#conn));
    this.#resolve(outcome);
  }
}

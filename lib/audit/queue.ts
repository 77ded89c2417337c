/** Audit lines on their way: gathered, held while their place does not take them, and counted where they are lost. */
import type { Logger } from "../command/log.ts";
import { openGate, shutGate } from "../net/gate.ts";
import { AUDIT_VERSION, type AuditEvent } from "./event.ts";
import type { FullPolicy } from "./settings.ts";
import type { AuditSink } from "./sink.ts";

/** A line, or a message, as its place takes it. */
export type Entry = string | Uint8Array;

/**
 * What came of a `put`: the first `taken` are where they belong. With `slow` the place takes more in a moment; with
 * `error` it does not; with `never` the next one is such that no place takes it.
 */
export interface Put {
  taken: number;
  slow?: true;
  error?: string;
  never?: string;
}

/** A place that takes entries. */
export interface Outlet {
  encode(event: AuditEvent): Entry;
  /** Never rejects. */
  put(entries: readonly Entry[]): Promise<Put>;
  /** Throws, and keeps the old, where the new cannot be had. */
  reopen(): void;
  close(): void;
}

export interface QueueOptions {
  destination: string;
  full: FullPolicy;
  log: Pick<Logger, "error" | "info">;
  /** Milliseconds for which `drop` holds lines of a place that fails: a daemon may be started anew. */
  grace: number;
  /** Milliseconds between reports of a trouble that goes on. */
  every?: number;
}

/** Bytes that wait for a slow place; beyond it lines are lost, whatever the policy. */
const MOST_HELD = 16 * 1024 * 1024;
/** With `block`: bytes with which no more clients are taken, and below which they are again. */
const HIGH = 4 * 1024 * 1024;
const LOW = 1024 * 1024;
/** Milliseconds in which lines are gathered into one write. */
const GATHER = 5;
/** Milliseconds that a reader has at the end to take what is held. */
const PATIENCE = 2000;
/** Milliseconds before a place is tried again that is slow, or that fails. */
const SLOW = 5;
const AGAIN = 100;
const MINUTE = 60_000;

export class QueuedSink implements AuditSink {
  lost = 0;
  readonly #outlet: Outlet;
  readonly #options: QueueOptions;
  #entries: Entry[] = [];
  #held = 0;
  #running: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Of the run: events that are not taken yet, without the line that tells of losses. */
  #inFlight = 0;
  /** Losses that no line has told yet; `command` of the last event, for that line. */
  #untold = 0;
  #command = "";
  /** When the place began to fail, and why. */
  #failing: { since: number; why: string } | undefined;
  #reporter: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(outlet: Outlet, options: QueueOptions) {
    this.#outlet = outlet;
    this.#options = options;
  }

  get waiting(): number {
    return this.#entries.length + this.#inFlight;
  }

  get failing(): string | undefined {
    return this.#failing?.why;
  }

  write(event: AuditEvent): void {
    this.#command = event.command;
    if (this.#closed) {
      this.#lose(1, "it is closed");
      return;
    }
    const entry = this.#outlet.encode(event);
    if (this.#held + entry.length > MOST_HELD) {
      this.#lose(1, this.#failing?.why ?? "the reader is too slow");
      return;
    }
    this.#entries.push(entry);
    this.#held += entry.length;
    this.#steer();
    if (this.#running === undefined) this.#timer ??= setTimeout(() => this.#start(), GATHER);
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#running !== undefined || this.#entries.length === 0) return;
    this.#running = this.#run().finally(() => (this.#running = undefined));
  }

  async #run(): Promise<void> {
    while (this.#entries.length > 0 && !this.#closed) {
      const batch = this.#entries;
      const told = this.#untold;
      this.#entries = [];
      if (told > 0) {
        batch.unshift(this.#outlet.encode(this.#lossEvent(told)));
        this.#untold = 0;
      }
      this.#inFlight = batch.length - (told > 0 ? 1 : 0);
      await this.#send(batch, told);
      this.#inFlight = 0;
    }
  }

  /** Sends the entries, the first of which tells `told` losses where that is not 0. */
  async #send(batch: Entry[], told: number): Promise<void> {
    let at = 0;
    let unheard = told > 0;
    const pass = (count: number) => {
      for (const end = at + count; at < end; at++) if (at > 0 || told === 0) this.#held -= batch[at]!.length;
      if (unheard && count > 0) unheard = false;
      this.#inFlight = batch.length - at - (unheard ? 1 : 0);
    };
    while (at < batch.length && !this.#closed) {
      const { taken, slow, error, never } = await this.#outlet.put(batch.slice(at));
      if (this.#closed) return;
      pass(taken);
      if (taken > 0 || at === batch.length) this.#works();
      if (never !== undefined) {
        pass(1);
        this.#lose(1, never);
      } else if (error !== undefined) {
        if (this.#holds(error)) await sleep(AGAIN);
        else {
          if (unheard) this.#untold += told;
          const lost = this.#inFlight;
          pass(batch.length - at);
          this.#lose(lost, error);
        }
      } else if (slow) await sleep(SLOW);
      this.#steer();
    }
  }

  /** Whether what a failing place does not take is kept for it. */
  #holds(why: string): boolean {
    this.#failing ??= { since: performance.now(), why };
    this.#failing.why = why;
    const { full, grace, destination } = this.#options;
    if (full === "drop") return performance.now() - this.#failing.since < grace;
    this.#report(`the audit waits, and so do new clients: cannot write to ${destination}: ${why}`);
    return true;
  }

  #works(): void {
    const { destination, log } = this.#options;
    if (this.#failing !== undefined) log.info(`the audit is written again: ${destination}`, { lost: this.lost });
    this.#failing = undefined;
  }

  /** With `block`, no new client is taken whose record there might be no room for. */
  #steer(): void {
    if (this.#options.full !== "block") return;
    if (!this.#closed && (this.#failing !== undefined || this.#held > HIGH)) shutGate(this);
    else if (this.#closed || this.#held < LOW) openGate(this);
  }

  #lose(count: number, why: string): void {
    this.lost += count;
    this.#untold += count;
    this.#report(`audit lines are lost: cannot write to ${this.#options.destination}: ${why}`);
  }

  /** Says it now, and once a minute for as long as it goes on; at the end whatever was said before. */
  #report(text: string): void {
    if (this.#reporter !== undefined && !this.#closed) return;
    this.#options.log.error(text, { lost: this.lost, waiting: this.waiting });
    const reported = this.lost;
    clearTimeout(this.#reporter);
    if (this.#closed) return;
    this.#reporter = setTimeout(() => {
      this.#reporter = undefined;
      if (this.#failing !== undefined || this.lost > reported) this.#report(text);
    }, this.#options.every ?? MINUTE).unref();
  }

  #lossEvent(lost: number): AuditEvent {
    return { v: AUDIT_VERSION, time: new Date().toISOString(), event: "loss", command: this.#command, lost };
  }

  reopen(): void {
    this.#outlet.reopen();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#start();
    const patience = Promise.withResolvers<"over">();
    const timer = setTimeout(() => patience.resolve("over"), PATIENCE);
    while (this.#running !== undefined || this.#entries.length > 0) {
      this.#start();
      if ((await Promise.race([this.#running, patience.promise])) === "over") break;
    }
    clearTimeout(timer);
    clearTimeout(this.#timer);
    const left = this.waiting;
    this.#closed = true;
    clearTimeout(this.#reporter);
    if (left > 0) this.#lose(left, this.#failing?.why ?? "nobody reads");
    this.#steer();
    this.#outlet.close();
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

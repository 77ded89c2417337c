/** Answers of a provider, remembered for a while: a bounded number, with look-ups for one key joined. Asks by way of a source. */
import { Turns } from "../identity/turns.ts";
import { Trouble, type Report } from "./counts.ts";
import { NOTHING, type Values } from "./targets.ts";
import type { KeyValue } from "./url-template.ts";

/** What is looked up: the values of the key facts, and one text for all of them. */
export interface Key {
  readonly values: readonly KeyValue[];
  readonly text: string;
}

/** Whom a cache asks. */
export interface Source {
  /** The answer, or why there is none; soon after `signal` aborts, at the latest. Never rejects. */
  ask(key: Key, signal: AbortSignal): Promise<Values | Trouble>;
  close(): Promise<void>;
}

export interface CacheLimits {
  /** Milliseconds: for an answer, for one that knows nothing, for how long an old one counts in trouble, for asking. */
  ttl: number;
  negativeTtl: number;
  stale: number;
  timeout: number;
  /** Answers that are remembered. */
  entries: number;
  /** Questions under way; further ones wait, within their time. */
  outstanding: number;
}

/** Milliseconds for which a key is not asked for again after trouble: a provider that is down is not asked by every request. */
const FAILED_FOR = 1000;
/** Questions that wait for their turn. */
const MOST_WAITING = 1000;

interface Entry {
  readonly values: Values;
  /** Until when it counts, and until when in trouble. */
  fresh: number;
  readonly kept: number;
}

export class Cache {
  readonly #source: Source;
  readonly #limits: CacheLimits;
  readonly #report: Report;
  readonly #now: () => number;
  readonly #turns: Turns;
  /** The one that was not asked for longest is the first. */
  readonly #entries = new Map<string, Entry>();
  readonly #asked = new Map<string, Promise<Values>>();

  constructor(source: Source, limits: CacheLimits, report: Report, now: () => number = () => performance.now()) {
    this.#source = source;
    this.#limits = limits;
    this.#report = report;
    this.#now = now;
    this.#turns = new Turns({
      atOnce: limits.outstanding,
      waitingEach: MOST_WAITING,
      waitingInAll: MOST_WAITING,
    });
    report.counts.entries = 0;
  }

  /** What is known of `key`: at once if it is remembered. Trouble of whatever kind knows nothing. */
  lookup(key: Key): Values | Promise<Values> {
    const { counts } = this.#report;
    const entry = this.#entries.get(key.text);
    if (entry !== undefined && this.#now() < entry.fresh) {
      counts.hits++;
      this.#entries.delete(key.text);
      this.#entries.set(key.text, entry);
      return entry.values;
    }
    const asked = this.#asked.get(key.text);
    if (asked !== undefined) {
      counts.joined++;
      return asked;
    }
    counts.misses++;
    const answer = this.#ask(key, entry).finally(() => this.#asked.delete(key.text));
    this.#asked.set(key.text, answer);
    return answer;
  }

  /** Resolves when nothing is being asked. */
  async idle(): Promise<void> {
    while (this.#asked.size > 0) await Promise.all(this.#asked.values());
  }

  /** At once: what is being asked has no answer. */
  close(): Promise<void> {
    return this.#source.close();
  }

  async #ask(key: Key, old: Entry | undefined): Promise<Values> {
    const began = this.#now();
    const answer = await withDeadline(this.#limits.timeout, (signal) => this.#inTurn(key, signal));
    const now = this.#now();
    this.#report.counts.latency.observe((now - began) / 1000);
    if (answer instanceof Trouble) {
      this.#report.trouble(answer);
      const values = this.#inTrouble(old);
      this.#remember(key, { values, fresh: now + FAILED_FOR, kept: old?.kept ?? now });
      return values;
    }
    this.#report.answered();
    const known = Object.keys(answer).length > 0;
    const fresh = now + (known ? this.#limits.ttl : this.#limits.negativeTtl);
    this.#remember(key, { values: answer, fresh, kept: fresh + this.#limits.stale });
    return answer;
  }

  async #inTurn(key: Key, signal: AbortSignal): Promise<Values | Trouble> {
    const answer = await this.#turns.run("", async () => (signal.aborted ? NOTHING : this.#source.ask(key, signal)));
    return answer ?? new Trouble("busy", `${this.#asked.size} questions are under way already`);
  }

  #inTrouble(old: Entry | undefined): Values {
    if (old === undefined || this.#now() >= old.kept) return NOTHING;
    this.#report.counts.stale++;
    return old.values;
  }

  #remember(key: Key, entry: Entry): void {
    const entries = this.#entries;
    entries.delete(key.text);
    entries.set(key.text, entry);
    if (entries.size > this.#limits.entries) entries.delete(entries.keys().next().value!);
    this.#report.counts.entries = entries.size;
  }
}

function withDeadline(ms: number, ask: (signal: AbortSignal) => Promise<Values | Trouble>): Promise<Values | Trouble> {
  const { promise, resolve, reject } = Promise.withResolvers<Values | Trouble>();
  const abort = new AbortController();
  const timer = setTimeout(() => {
    resolve(new Trouble("timeout", `no answer within ${ms} ms`));
    abort.abort();
  }, ms);
  ask(abort.signal).then(resolve, reject);
  return promise.finally(() => clearTimeout(timer));
}

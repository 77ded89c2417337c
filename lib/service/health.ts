/** Whether what a daemon leads to is there: a check with a memory, so that who asks often does not check often. Dials nothing itself. */

export interface Health {
  ok: boolean;
  /** Why not. */
  error?: string;
  time: Date;
}

export interface HealthCheck {
  /** What was found last, however long ago; undefined before the first check. */
  readonly last: Health | undefined;
  /** What was found a moment ago, or is found now; never rejects. */
  check(): Promise<Health>;
}

/** Looks once, until `signal` says that time is over. Answers what is wrong, or undefined. */
type Probe = (signal: AbortSignal) => Promise<string | undefined>;

/** Milliseconds for which an answer is as good as a new one. */
const FRESH = 1000;

export class CachedCheck implements HealthCheck {
  last: Health | undefined;
  readonly #probe: Probe;
  readonly #timeout: number;
  readonly #fresh: number;
  #checked = Number.NEGATIVE_INFINITY;
  #running: Promise<Health> | undefined;

  /** `timeout` bounds a probe, in milliseconds. */
  constructor(probe: Probe, timeout: number, fresh = FRESH) {
    this.#probe = probe;
    this.#timeout = timeout;
    this.#fresh = fresh;
  }

  async check(): Promise<Health> {
    if (this.last !== undefined && performance.now() - this.#checked < this.#fresh) return this.last;
    this.#running ??= this.#look().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #look(): Promise<Health> {
    const late = Promise.withResolvers<string>();
    const over = new AbortController();
    const timer = setTimeout(() => {
      late.resolve(`no answer within ${this.#timeout} ms`);
      over.abort();
    }, this.#timeout);
    const found = this.#probe(over.signal).catch((error: unknown) =>
      error instanceof Error ? error.message : String(error),
    );
    const error = await Promise.race([found, late.promise]);
    clearTimeout(timer);
    this.last = { ok: error === undefined, ...(error !== undefined && { error }), time: new Date() };
    this.#checked = performance.now();
    return this.last;
  }
}

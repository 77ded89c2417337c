/** Checks of one place, again and again while it stands: never two at a time, each with a deadline. How a check is done is the caller's. */
import { Due, type Deadlines } from "./deadlines.ts";
import { RiseFall, type CheckRules } from "./rise-fall.ts";

/** What a look at the place came to; `unknown` says nothing of it. */
export type Finding = "works" | "unknown" | { readonly trouble: string };

export interface HealthClock {
  /** Milliseconds. */
  now(): number;
  /** Calls `then` after `ms`, unless what it returns is called before. */
  after(ms: number, then: () => void): () => void;
  /** From 0 to 1. */
  chance(): number;
}

const CLOCK: HealthClock = {
  now: () => performance.now(),
  after(ms, then) {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
  chance: Math.random,
};

export interface HealthTools {
  /** Looks once. Ends by itself some time; what it finds behind its deadline counts as nothing. */
  probe(): Promise<Finding>;
  rules: CheckRules;
  /** Of a check, shared by those of all places. */
  deadlines: Pick<Deadlines, "add" | "remove">;
  /** How long these are, in milliseconds. */
  timeout: number;
  /** It has come up, or gone down and why. */
  changed(trouble: string | undefined): void;
  clock?: HealthClock;
}

export class Health extends Due {
  readonly counts = { checks: 0, failed: 0 };
  readonly #tools: HealthTools;
  readonly #clock: HealthClock;
  #state: RiseFall;
  /** Lifts the wait for the next check. */
  #cancel: (() => void) | undefined;
  #running = false;
  /** Whether the check that runs can still say something. */
  #counts = false;
  #began = 0;
  /** The place has changed since the last check began. */
  #anew = false;
  #stopped = false;

  constructor(tools: HealthTools) {
    super();
    this.#tools = tools;
    this.#clock = tools.clock ?? CLOCK;
    this.#state = new RiseFall(tools.rules, this.#clock.now());
  }

  /** Why it is down; undefined while it is up. */
  get trouble(): string | undefined {
    return this.#state.trouble;
  }

  /** Milliseconds for which it has been what it is. */
  get age(): number {
    return this.#clock.now() - this.#state.since;
  }

  /** Begins, somewhere in the first interval. */
  start(): void {
    if (this.#running || this.#cancel !== undefined) return;
    this.#wait(this.#state.firstIn(this.#clock.chance()));
  }

  /** It is another place from now on: what was found of the former one is forgotten, and it is looked at at once. */
  restart(): void {
    this.#state = new RiseFall(this.#tools.rules, this.#clock.now());
    this.#settle();
    if (this.#running) this.#anew = true;
    else this.#wait(0);
  }

  /** For good. What it is stays what it was. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
    this.#settle();
  }

  /** The deadline of the check is over. */
  override late(): void {
    this.#found({ trouble: `no answer within ${this.#tools.timeout} ms` });
  }

  #wait(ms: number): void {
    this.#cancel?.();
    if (!this.#stopped) this.#cancel = this.#clock.after(ms, () => void this.#check());
  }

  async #check(): Promise<void> {
    this.#cancel = undefined;
    this.#running = true;
    this.#counts = true;
    this.#began = this.#clock.now();
    this.#tools.deadlines.add(this);
    const finding = await this.#tools.probe();
    this.#running = false;
    this.#found(finding);
    const next = this.#anew ? 0 : this.#state.nextIn(this.#began, this.#clock.now(), this.#clock.chance());
    this.#anew = false;
    this.#wait(next);
  }

  #found(finding: Finding): void {
    if (!this.#settle() || finding === "unknown") return;
    const trouble = finding === "works" ? undefined : finding.trouble;
    this.counts.checks++;
    if (trouble !== undefined) this.counts.failed++;
    if (this.#state.checked(trouble, this.#clock.now())) this.#tools.changed(trouble);
  }

  /** The check that runs says nothing more. Whether it could have. */
  #settle(): boolean {
    const counted = this.#counts;
    this.#counts = false;
    this.#tools.deadlines.remove(this);
    return counted;
  }
}

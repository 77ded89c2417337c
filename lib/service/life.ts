/** The life of a daemon: ready, reload on SIGHUP, drain on SIGTERM, end. What is reloaded and drained is the daemon's own. */
import { EXIT, PortailError, type ExitStatus } from "../command/errors.ts";
import type { Runtime } from "../command/runtime.ts";
import { openNotifier, type Notifier } from "./notify.ts";

/** `kept`: what was there stays in use, since the new did not do. */
export type ReloadOutcome = "done" | "kept";

export interface Daemon {
  /** A line for `systemctl status`, e.g. where it listens. */
  readonly summary: string;
  /** Takes up changed files; keeps what it had where that fails, and says so. Never called while it runs. */
  reload(): Promise<ReloadOutcome>;
  /** Accepts nothing more; resolves when what was accepted has ended. */
  drain(): Promise<void>;
  /** Ends what is still open, at once. */
  cut(): void;
  /** How many are open. */
  readonly open: number;
}

export interface LifeOptions {
  /** Milliseconds for which open connections may go on after the stop. */
  shutdownTimeout: number;
  /** Milliseconds between reloads that nobody asks for; 0 is never. */
  timedReload: number;
}

type LifeState = "initializing" | "listening" | "reloading" | "stopping";

/** Milliseconds in which what was cut may tell that it is gone. */
const AFTERMATH = 1000;

/**
 * Opens a daemon and runs it until SIGTERM, SIGINT or `life.stop`; signals are heard from the start, also while it opens.
 * What is open at the end may end by itself for `shutdownTimeout` milliseconds (a second signal cuts it short); status 0
 * when all did, 1 when some were cut (as ghostunnel). The service manager is told of every change (`lib/service/notify`).
 */
export async function liveUntilStopped(
  runtime: Runtime,
  open: (life: Life) => Promise<Daemon>,
  options: LifeOptions,
): Promise<ExitStatus> {
  const { log } = runtime;
  const notifier = openNotifier(runtime.env, log);
  const life = new Life(runtime, notifier);
  const again = Promise.withResolvers<"again">();
  const onStop = (signal: "SIGTERM" | "SIGINT") => () => {
    if (life.stopping) again.resolve("again");
    life.stop(signal);
  };
  const onReload = () => life.reload();
  const off = [
    runtime.onSignal("SIGTERM", onStop("SIGTERM")),
    runtime.onSignal("SIGINT", onStop("SIGINT")),
    runtime.onSignal("SIGHUP", onReload),
    runtime.onSignal("SIGUSR1", onReload),
  ];
  try {
    const daemon = await open(life);
    life.begin(daemon);
    const timer = options.timedReload > 0 ? setInterval(onReload, options.timedReload).unref() : undefined;
    const reason = await life.stopped;
    clearInterval(timer);
    log.info(`${reason}: draining`, { open: daemon.open });
    life.end(daemon);
    const drained = daemon.drain();
    const outcome = await Promise.race([drained, after(options.shutdownTimeout, "late"), again.promise]);
    if (outcome === undefined) return EXIT.done;
    log.warn(outcome === "late" ? "the shutdown timeout is over" : "told to stop again", { cut: daemon.open });
    daemon.cut();
    await Promise.race([drained, after(AFTERMATH, "late")]);
    return EXIT.no;
  } finally {
    for (const release of off) release();
    notifier.close();
  }
}

/** What came of a reload, as its record has it. */
export type Reloaded = { outcome: "done" } | { outcome: "kept"; error: string };

/** Takes up what is new by `take`, all or nothing: what it throws (`PortailError`) is logged, and all stays as it was. */
export async function reloadOrKeep(
  log: Runtime["log"],
  what: string,
  take: () => void | Promise<void>,
): Promise<Reloaded> {
  try {
    await take();
    log.info(`reloaded ${what}`);
    return { outcome: "done" };
  } catch (error) {
    if (!(error instanceof PortailError)) throw error;
    const detail = error.detail === undefined ? error.message : `${error.detail}\n${error.message}`;
    log.error(`the reload failed, what was loaded before stays in force: ${detail} [${error.code}]`);
    return { outcome: "kept", error: detail };
  }
}

/** Where a daemon is in its life, for whoever shows it or is told to change it. */
export class Life {
  readonly started = new Date();
  /** When the last reload ended, and how; undefined before the first. */
  lastReload: { time: Date; outcome: ReloadOutcome } | undefined;
  readonly reloads: Record<ReloadOutcome, number> = { done: 0, kept: 0 };
  readonly #log: Runtime["log"];
  readonly #notifier: Notifier;
  readonly #stop = Promise.withResolvers<string>();
  readonly #opened = Promise.withResolvers<Daemon>();
  readonly #also: { what: string; take: () => void }[] = [];
  #state: LifeState = "initializing";
  #stopping = false;
  #running = false;
  #wanted = false;
  /** Of the reload that begins next. */
  #next = Promise.withResolvers<ReloadOutcome | undefined>();

  constructor({ log }: Pick<Runtime, "log">, notifier: Notifier) {
    this.#log = log;
    this.#notifier = notifier;
  }

  get state(): LifeState {
    return this.#stopping ? "stopping" : this.#state;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Why it is to stop, once it is. */
  get stopped(): Promise<string> {
    return this.#stop.promise;
  }

  /** Begins the drain, as SIGTERM does; `reason` is for the log. A second call changes nothing. */
  stop(reason: string): void {
    this.#stopping = true;
    this.#stop.resolve(reason);
  }

  /**
   * Asks for a reload. One that is asked for while another runs comes after it: files may have changed since it read them.
   * Resolves with how it ended; undefined where it was ignored.
   */
  reload(): Promise<ReloadOutcome | undefined> {
    const { promise } = this.#next;
    if (this.#stopping) {
      this.#log.info("a reload is ignored while draining");
      return Promise.resolve(undefined);
    }
    if (this.#running) this.#wanted = true;
    else void this.#reload();
    return promise;
  }

  async #reload(): Promise<void> {
    this.#running = true;
    const daemon = await this.#opened.promise;
    do {
      this.#wanted = false;
      const { resolve } = this.#next;
      this.#next = Promise.withResolvers();
      if (this.#stopping) {
        resolve(undefined);
        return;
      }
      this.#state = "reloading";
      this.#notifier.reloading();
      const outcome = await this.#takeUp(daemon);
      this.reloads[outcome]++;
      this.lastReload = { time: new Date(), outcome };
      this.#state = "listening";
      const how = outcome === "done" ? "" : "; the last reload failed";
      if (!this.#stopping) this.#notifier.ready(`${daemon.summary}${how}`);
      resolve(outcome);
    } while (this.#wanted);
    this.#running = false;
  }

  /** Takes up, at each reload, changed files that are not the daemon's own; what `take` throws (`PortailError`) is logged. */
  alsoReload(what: string, take: () => void): void {
    this.#also.push({ what, take });
  }

  async #takeUp(daemon: Daemon): Promise<ReloadOutcome> {
    let outcome = await daemon.reload();
    for (const { what, take } of this.#also) {
      const reloaded = await reloadOrKeep(this.#log, what, take);
      if (reloaded.outcome === "kept") outcome = "kept";
    }
    return outcome;
  }

  /** It serves. */
  begin(daemon: Daemon): void {
    this.#state = "listening";
    this.#notifier.ready(daemon.summary);
    this.#opened.resolve(daemon);
  }

  end(daemon: Daemon): void {
    this.#notifier.stopping(`draining, ${daemon.open} open`);
  }
}

/** Resolves after `ms`; keeps no process alive. */
function after<T>(ms: number, value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(resolve, ms, value).unref());
}

/** The life of a daemon: reload on SIGHUP, drain on SIGTERM, end. What is reloaded and drained is the daemon's own. */
import { EXIT, type ExitStatus } from "../command/errors.ts";
import type { Runtime } from "../command/runtime.ts";

export interface Daemon {
  /** Takes up changed files; keeps what it had where that fails, and says so. */
  reload(): Promise<void>;
  /** Accepts nothing more; resolves when what was accepted has ended. */
  drain(): Promise<void>;
  /** Ends what is still open, at once. */
  cut(): void;
  /** How many are open. */
  readonly open: number;
}

/** Milliseconds in which what was cut may tell that it is gone. */
const AFTERMATH = 1000;

/**
 * Opens a daemon and runs it until SIGTERM or SIGINT; signals are heard from the start, also while it opens. What is open
 * at the end may end by itself for `shutdownTimeout` milliseconds (a second signal cuts it short); status 0 when all did,
 * 1 when some were cut (as ghostunnel).
 */
export async function liveUntilStopped(
  runtime: Runtime,
  open: () => Promise<Daemon>,
  shutdownTimeout: number,
): Promise<ExitStatus> {
  const { log } = runtime;
  const stop = Promise.withResolvers<"SIGTERM" | "SIGINT">();
  const again = Promise.withResolvers<"again">();
  const opening = Promise.withResolvers<Daemon>();
  let draining = false;
  const onStop = (signal: "SIGTERM" | "SIGINT") => () => {
    if (draining) again.resolve("again");
    draining = true;
    stop.resolve(signal);
  };
  const onReload = () => {
    if (draining) log.info("a reload is ignored while draining");
    else void opening.promise.then((daemon) => daemon.reload());
  };
  const off = [
    runtime.onSignal("SIGTERM", onStop("SIGTERM")),
    runtime.onSignal("SIGINT", onStop("SIGINT")),
    runtime.onSignal("SIGHUP", onReload),
    runtime.onSignal("SIGUSR1", onReload),
  ];
  try {
    const daemon = await open();
    opening.resolve(daemon);
    log.info(`${await stop.promise}: draining`, { open: daemon.open });
    const drained = daemon.drain();
    const outcome = await Promise.race([drained, after(shutdownTimeout, "late"), again.promise]);
    if (outcome === undefined) return EXIT.done;
    log.warn(outcome === "late" ? "the shutdown timeout is over" : "told to stop again", { cut: daemon.open });
    daemon.cut();
    await Promise.race([drained, after(AFTERMATH, "late")]);
    return EXIT.no;
  } finally {
    for (const release of off) release();
  }
}

/** Resolves after `ms`; keeps no process alive. */
function after<T>(ms: number, value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(resolve, ms, value).unref());
}

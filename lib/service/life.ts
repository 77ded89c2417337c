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

/**
 * Runs `daemon` until SIGTERM or SIGINT. What is open then may end by itself for `shutdownTimeout` milliseconds (a second
 * signal cuts it short); status 0 when all did, 1 when some were cut (as ghostunnel).
 */
export async function liveUntilStopped(runtime: Runtime, daemon: Daemon, shutdownTimeout: number): Promise<ExitStatus> {
  const { log } = runtime;
  const stop = Promise.withResolvers<"SIGTERM" | "SIGINT">();
  const again = Promise.withResolvers<"again">();
  let draining = false;
  const onStop = (signal: "SIGTERM" | "SIGINT") => () => {
    if (draining) again.resolve("again");
    draining = true;
    stop.resolve(signal);
  };
  const onReload = () => {
    if (draining) log.info("a reload is ignored while draining");
    else void daemon.reload();
  };
  const off = [
    runtime.onSignal("SIGTERM", onStop("SIGTERM")),
    runtime.onSignal("SIGINT", onStop("SIGINT")),
    runtime.onSignal("SIGHUP", onReload),
    runtime.onSignal("SIGUSR1", onReload),
  ];
  const signal = await stop.promise;
  log.info(`${signal}: draining`, { open: daemon.open });
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(() => late.resolve("late"), shutdownTimeout);
  const outcome = await Promise.race([daemon.drain(), late.promise, again.promise]);
  clearTimeout(timer);
  for (const release of off) release();
  if (outcome === undefined) return EXIT.done;
  log.warn(outcome === "late" ? "the shutdown timeout is over" : "told to stop again", { cut: daemon.open });
  daemon.cut();
  return EXIT.no;
}

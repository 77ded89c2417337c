/** More processes of the same command line, for more cores: they listen at the same ports (SO_REUSEPORT), and report to the first. */
import { EXIT, PortailError } from "../command/errors.ts";
import type { Logger } from "../command/log.ts";

/** Names the number of a further process; the first has none. */
const NUMBER = "PORTAIL_WORKER";
/** What is the first's alone: to tell the service manager, and sockets that it passed. */
const FIRST_ONLY = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];
/** Milliseconds before one that ended by itself is started anew. */
const AGAIN = 1000;

type Environment = Readonly<Record<string, string | undefined>>;

/** What a further process has to say; undefined in the first. */
export interface WorkerSide {
  /** It serves. */
  ready(): void;
  /** Anything that can be JSON, for the first. */
  report(message: unknown): void;
}

/** The link of this process to the first, if it is a further one. Without the first it ends, as told by SIGTERM. */
export function workerSide(env: Environment): WorkerSide | undefined {
  if (env[NUMBER] === undefined || process.send === undefined) return undefined;
  process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));
  return {
    ready: () => void process.send?.({ ready: true }),
    report: (message) => void process.send?.({ message }),
  };
}

interface WorkersOptions {
  count: number;
  env: Environment;
  log: Logger;
  /** Takes what a further process reports. */
  reported(worker: number, message: unknown): void;
  /** It is gone; its reports up to now count, what it held open does not. */
  gone(worker: number): void;
}

/** Further processes that run. */
export class Workers {
  readonly #options: WorkersOptions;
  readonly #running = new Map<number, Bun.Subprocess>();
  #stopping = false;

  private constructor(options: WorkersOptions) {
    this.#options = options;
  }

  /** Resolves when all serve. Throws `PortailError` (`workers.failed`) when one ends instead; what it printed says why. */
  static async start(options: WorkersOptions): Promise<Workers> {
    const workers = new Workers(options);
    const numbers = Array.from({ length: options.count }, (_, i) => i + 1);
    try {
      await Promise.all(numbers.map((number) => workers.#start(number)));
      return workers;
    } catch (error) {
      workers.signal("SIGTERM");
      throw error;
    }
  }

  #start(number: number): Promise<void> {
    const { env, log, reported, gone } = this.#options;
    const inherited = Object.entries(env).filter(([name]) => !FIRST_ONLY.includes(name));
    return new Promise((resolve, reject) => {
      const child = Bun.spawn(ownCommandLine(), {
        env: { ...Object.fromEntries(inherited), [NUMBER]: String(number) },
        stdio: ["ignore", "inherit", "inherit"],
        // A ^C is for the first, which passes on what it makes of it.
        detached: true,
        ipc(message: { ready?: true; message?: unknown }) {
          if (message.ready) resolve();
          else reported(number, message.message);
        },
        onExit: (_child, status, signal) => {
          this.#running.delete(number);
          gone(number);
          reject(failed(number, status));
          if (this.#stopping) return;
          log.error("a worker ended and is started anew", { worker: number, status: signal ?? status });
          setTimeout(() => {
            if (!this.#stopping) this.#start(number).catch(() => {});
          }, AGAIN);
        },
      });
      this.#running.set(number, child);
    });
  }

  /** SIGTERM ends them for good. */
  signal(name: "SIGHUP" | "SIGTERM"): void {
    if (name === "SIGTERM") this.#stopping = true;
    for (const child of this.#running.values()) child.kill(name);
  }

  /** Resolves when all have ended. */
  async ended(): Promise<void> {
    await Promise.all([...this.#running.values()].map((child) => child.exited));
  }
}

/** What started this process: the compiled program alone, or the runtime with the program's source. */
function ownCommandLine(): string[] {
  const [, script = "", ...args] = process.argv;
  return script.startsWith("/$bunfs/") ? [process.execPath, ...args] : [process.execPath, script, ...args];
}

function failed(number: number, status: number | null): PortailError {
  return new PortailError(`worker ${number} ended with status ${status ?? "of a signal"} before it served`, {
    code: "workers.failed",
    exit: EXIT.unavailable,
    hint: "what it printed says why; start without --workers to see it alone",
  });
}

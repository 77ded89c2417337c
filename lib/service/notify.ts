/** Tells the service manager how the daemon is: sd_notify(3) and its watchdog. Knows nothing of what the daemon does. */
import type { Logger } from "../command/log.ts";
import type { Environment } from "../net/listen.ts";
import { monotonicMicroseconds, openUnixSocket, type UnixSocket } from "../ffi/unix-socket.ts";

export interface Notifier {
  /** It serves, for the first time or again after a reload. `status` is a line for people (`systemctl status`). */
  ready(status: string): void;
  reloading(): void;
  stopping(status: string): void;
  close(): void;
}

/** Milliseconds before a message that the service manager had no room for is tried again. */
const RETRY = 50;
/** Messages that wait for it; of more, the oldest tell it nothing any more. */
const MOST_WAITING = 64;

/**
 * Of the socket that NOTIFY_SOCKET names. Without one, nothing is told to anybody; where it cannot be reached, a
 * warning is all that comes of it. Begins at once to feed the watchdog that WATCHDOG_USEC asks for.
 */
export function openNotifier(env: Environment, log: Logger): Notifier {
  const address = env["NOTIFY_SOCKET"];
  if (address === undefined || address === "") return SILENT;
  const socket = openUnixSocket("datagram", address);
  if (typeof socket === "string") {
    log.warn(`the service manager will not be told how this daemon is: ${REASONS[socket] ?? socket}`);
    return SILENT;
  }
  return new SocketNotifier(socket, watchdogInterval(env), log);
}

const SILENT: Notifier = { ready() {}, reloading() {}, stopping() {}, close() {} };

const REASONS: Record<string, string | undefined> = {
  ENOSYS: "no C library was found to send datagrams with",
  EINVAL: "NOTIFY_SOCKET names neither a path from / on nor an abstract socket (@name)",
  ENAMETOOLONG: "the path in NOTIFY_SOCKET is too long",
};

/** Milliseconds between two signs of life: half of what the service manager waits (sd_watchdog_enabled(3)); 0 is never. */
export function watchdogInterval(env: Environment): number {
  const { WATCHDOG_USEC: patience = "", WATCHDOG_PID: pid } = env;
  if (pid !== undefined && pid !== String(process.pid)) return 0;
  return /^\d{1,15}$/.test(patience) ? Number(patience) / 2000 : 0;
}

class SocketNotifier implements Notifier {
  readonly #socket: UnixSocket;
  readonly #log: Logger;
  readonly #watchdog: ReturnType<typeof setInterval> | undefined;
  readonly #waiting: string[] = [];
  #retry: ReturnType<typeof setTimeout> | undefined;
  #troubled = false;

  constructor(socket: UnixSocket, interval: number, log: Logger) {
    this.#socket = socket;
    this.#log = log;
    if (interval > 0) this.#watchdog = setInterval(() => this.#tell("WATCHDOG=1"), interval).unref();
  }

  ready(status: string): void {
    this.#tell(`READY=1\nSTATUS=${oneLine(status)}`);
  }

  /** The time tells the service manager which of its requests this answers. */
  reloading(): void {
    this.#tell(`RELOADING=1\nMONOTONIC_USEC=${monotonicMicroseconds()}`);
  }

  stopping(status: string): void {
    this.#tell(`STOPPING=1\nSTATUS=${oneLine(status)}`);
  }

  close(): void {
    clearInterval(this.#watchdog);
    clearTimeout(this.#retry);
    this.#socket.close();
  }

  /** In order: what waits goes first. */
  #tell(message: string): void {
    this.#waiting.push(message);
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    this.#flush();
  }

  #flush(): void {
    clearTimeout(this.#retry);
    for (let message = this.#waiting[0]; message !== undefined; message = this.#waiting[0]) {
      const sent = this.#socket.send(Buffer.from(message));
      if (sent === "EAGAIN" || sent === "EINTR" || sent === "ENOBUFS") {
        this.#retry = setTimeout(() => this.#flush(), RETRY);
        return;
      }
      this.#waiting.shift();
      if (typeof sent === "string" && !this.#troubled) {
        this.#log.warn(`the service manager cannot be told how this daemon is: ${sent}`);
      }
      this.#troubled = typeof sent === "string";
    }
  }
}

/** Each line of a message is an assignment of its own. */
function oneLine(text: string): string {
  return text.replaceAll("\n", " ");
}

/** Log lines to the syslog of this machine, as syslog(3) sends them. Decides nothing about what is logged. */
import { EXIT, PortailError } from "../command/errors.ts";
import type { Logger, LogLevel } from "../command/log.ts";
import { openUnixSocket, type ErrorName, type UnixSocket } from "../ffi/unix-socket.ts";

/** Where syslog daemons and journald listen. */
const PATH = "/dev/log";
/** Facility `daemon` (RFC 3164 section 4.1.1). */
const FACILITY = 3;
const SEVERITY: Record<LogLevel, number> = { error: 3, warn: 4, info: 6, debug: 7 };
/** Bytes of one message; daemons cut at 8 KiB or later. */
const MOST_BYTES = 8192;
/** Messages that wait while the daemon is slow or being started anew; more are lost, and counted. */
const MOST_WAITING = 4096;
/** Milliseconds before what waits is tried again: its queue may hold as few as ten messages (unix(7)). */
const SLOW = 1;
const AWAY = 100;

export interface Syslog {
  /** Each line of `text` becomes a message. */
  write(level: LogLevel, text: string): void;
  /** Tries once more what waits, and closes. */
  close(): void;
}

/** Sends all further lines of `log` to syslog; returns what ends it. Throws `PortailError` as `openSyslog`. */
export function logToSyslog(log: Logger): () => void {
  const syslog = openSyslog();
  log.configure({ lines: (level, line) => syslog.write(level, line) });
  return () => syslog.close();
}

/** Throws `PortailError` (`syslog.unavailable`, 69) where nobody takes messages at `path`. */
export function openSyslog(path = PATH): Syslog {
  const socket = openSyslogSocket(path);
  if (typeof socket !== "string") return new SocketSyslog(path, socket);
  const why =
    socket === "ENOENT" ? "there is no such socket" : socket === "ECONNREFUSED" ? "nobody listens there" : socket;
  throw new PortailError(`no syslog at ${path}: ${why}`, {
    code: "syslog.unavailable",
    exit: EXIT.unavailable,
    hint: "start a syslog daemon or journald, or leave out --syslog and log to standard error",
  });
}

/** A stream is refused where the socket takes datagrams, which is the rule. */
export function openSyslogSocket(path: string): SyslogSocket | ErrorName {
  const stream = openUnixSocket("stream", path);
  if (typeof stream !== "string") return { ...stream, end: "\0" };
  const datagram = stream === "EPROTOTYPE" ? openUnixSocket("datagram", path) : stream;
  return typeof datagram === "string" ? datagram : { ...datagram, end: "" };
}

/** `end` is what parts one message from the next (syslog(3) ends those of a stream with a zero). */
export type SyslogSocket = UnixSocket & { end: string };

class SocketSyslog implements Syslog {
  readonly #path: string;
  /** Undefined while it must be found again. */
  #socket: SyslogSocket | undefined;
  readonly #waiting: string[] = [];
  /** Of the first that waits, what a stream has not taken yet. */
  #rest: Uint8Array | undefined;
  #lost = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(path: string, socket: SyslogSocket) {
    this.#path = path;
    this.#socket = socket;
  }

  write(level: LogLevel, text: string): void {
    for (const line of text.split("\n")) if (line !== "") this.#put(level, line);
    if (this.#retry === undefined) this.#flush();
  }

  #put(level: LogLevel, line: string): void {
    if (this.#waiting.length < MOST_WAITING) this.#waiting.push(format(level, line, new Date()));
    else this.#lost++;
  }

  #flush(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    while (this.#waiting.length > 0) {
      const wait = this.#sendFirst();
      if (wait > 0) {
        this.#retry = setTimeout(() => this.#flush(), wait).unref();
        return;
      }
      if (this.#lost > 0 && this.#waiting.length === 0) {
        this.#put("warn", `${this.#lost} log lines were lost: syslog was too slow, or away`);
        this.#lost = 0;
      }
    }
  }

  /** The milliseconds after which to try again; 0 when it is sent. */
  #sendFirst(): number {
    const socket = this.#socket ?? openSyslogSocket(this.#path);
    if (typeof socket === "string") return AWAY;
    this.#socket = socket;
    const bytes = this.#rest ?? Buffer.from(`${this.#waiting[0]}${socket.end}`);
    const sent = socket.send(bytes);
    if (sent === bytes.length) {
      this.#rest = undefined;
      this.#waiting.shift();
      return 0;
    }
    if (typeof sent === "number") {
      this.#rest = bytes.subarray(sent);
      return SLOW;
    }
    if (sent === "EAGAIN" || sent === "EINTR" || sent === "ENOBUFS") return SLOW;
    // The daemon went away; to the one that comes, a message that was half sent is sent whole.
    this.#rest = undefined;
    socket.close();
    this.#socket = undefined;
    return AWAY;
  }

  close(): void {
    this.#flush();
    clearTimeout(this.#retry);
    this.#socket?.close();
  }
}

/** What syslog(3) sends to the local daemon: RFC 3164 without the host name, in local time. */
function format(level: LogLevel, line: string, time: Date): string {
  const [, month, day, , clock] = /^\w+ (\w+) (\d+) (\d+) ([\d:]+)/.exec(time.toString())!;
  const head = `<${FACILITY * 8 + SEVERITY[level]}>${month} ${day!.replace(/^0/, " ")} ${clock} portail[${process.pid}]: `;
  return head + cut(line, MOST_BYTES - head.length - 1);
}

/** At most `most` bytes of UTF-8, at the end of a character. */
function cut(text: string, most: number): string {
  if (text.length * 3 <= most || Buffer.byteLength(text) <= most) return text;
  const { written } = new TextEncoder().encodeInto(text, new Uint8Array(most));
  return Buffer.from(text).subarray(0, written).toString();
}

/** Where audit lines go: a file, a descriptor, standard output. Buffered, never blocking, never losing in silence. */
import { close, constants, fstatSync, openSync, write } from "node:fs";
import { EXIT, PortailError } from "../command/errors.ts";
import { AUDIT_VERSION, type AuditEvent } from "./event.ts";

export interface AuditSink {
  /** Takes the event; the line is written soon. */
  write(event: AuditEvent): void;
  /** Opens a file anew (after it was rotated). Keeps the old one, and throws, if that fails. */
  reopen(): void;
  /** Writes what is held and closes. */
  close(): Promise<void>;
  /** Lines that could not be written since the start. */
  readonly lost: number;
}

/** Bytes that wait for a slow disk or reader; beyond it lines are dropped and counted. */
const MOST_HELD = 16 * 1024 * 1024;
/** Milliseconds in which lines are gathered into one write. */
const GATHER = 5;
/** Milliseconds that a reader has at the end to take what is held. */
const PATIENCE = 2000;
/** Milliseconds before a descriptor that would block is tried again. */
const RETRY = 20;

/**
 * `-` is standard output, `fd:N` an inherited descriptor, anything else a path: made 0600, appended to.
 * `failed` is told, once per trouble, what could not be written. Throws `PortailError` (`audit.cannot_open`).
 */
export function openAuditSink(destination: string, failed: (message: string) => void): AuditSink {
  return new DescriptorSink(destination, failed);
}

class DescriptorSink implements AuditSink {
  lost = 0;
  readonly #destination: string;
  readonly #failed: (message: string) => void;
  #fd: number;
  #lines: string[] = [];
  #held = 0;
  #writing: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Lines of events in the write that is under way. */
  #inFlight = 0;
  /** Losses that no line has told yet; `command` of the last event, for that line. */
  #untold = 0;
  #command = "";
  /** The last write broke off within a line. */
  #torn = false;
  #troubled = false;
  /** Its descriptor may be another file's by now. */
  #closed = false;

  constructor(destination: string, failed: (message: string) => void) {
    this.#destination = destination;
    this.#failed = failed;
    this.#fd = openDestination(destination);
  }

  write(event: AuditEvent): void {
    this.#command = event.command;
    if (this.#closed) {
      this.#lose(1, "it is closed");
      return;
    }
    const line = `${JSON.stringify(event)}\n`;
    if (this.#held + line.length > MOST_HELD) {
      this.#lose(1, "the reader is too slow");
      return;
    }
    this.#lines.push(line);
    this.#held += line.length;
    if (this.#writing === undefined) this.#timer ??= setTimeout(() => this.#flush(), GATHER);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing !== undefined || this.#lines.length === 0) return;
    const lines = this.#lines;
    const told = this.#untold;
    if (told > 0) lines.unshift(this.#lossLine());
    this.#lines = [];
    this.#held = 0;
    this.#inFlight = told > 0 ? lines.length - 1 : lines.length;
    this.#writing = this.#put(lines, told).then(() => {
      this.#writing = undefined;
      this.#inFlight = 0;
      this.#flush();
    });
  }

  /** Writes the lines, the first of which tells `told` losses where that is not 0. */
  async #put(lines: string[], told: number): Promise<void> {
    const prefix = this.#torn ? "\n" : "";
    const bytes = Buffer.from(prefix + lines.join(""));
    let at = 0;
    while (at < bytes.length) {
      try {
        at += await writeSome(this.#fd, bytes, at);
        this.#troubled = false;
      } catch (error) {
        const code = (error as { code?: string }).code ?? "";
        if (code === "EAGAIN" || code === "EINTR") {
          await new Promise((resolve) => setTimeout(resolve, RETRY));
          continue;
        }
        const ends = bytes.subarray(0, at).filter((byte) => byte === 10).length;
        const written = Math.max(0, ends - prefix.length);
        if (at > 0) this.#torn = bytes[at - 1] !== 10;
        const unheard = told > 0 && written === 0;
        if (unheard) this.#untold += told;
        this.#lose(lines.length - written - (unheard ? 1 : 0), code);
        return;
      }
    }
    this.#torn = false;
  }

  #lose(count: number, why: string): void {
    this.lost += count;
    this.#untold += count;
    if (!this.#troubled) this.#failed(`audit lines are lost: cannot write to ${this.#destination}: ${why}`);
    this.#troubled = true;
  }

  #lossLine(): string {
    const lost = this.#untold;
    this.#untold = 0;
    const time = new Date().toISOString();
    return `${JSON.stringify({ v: AUDIT_VERSION, time, event: "loss", command: this.#command, lost })}\n`;
  }

  reopen(): void {
    if (!isPath(this.#destination)) return;
    const old = this.#fd;
    this.#fd = openDestination(this.#destination);
    // A write that is under way still names the old descriptor.
    void (this.#writing ?? Promise.resolve()).then(() => close(old, () => {}));
  }

  async close(): Promise<void> {
    this.#flush();
    const patience = Promise.withResolvers<"over">();
    const timer = setTimeout(() => patience.resolve("over"), PATIENCE);
    while (this.#writing !== undefined) {
      if ((await Promise.race([this.#writing, patience.promise])) !== "over") continue;
      this.#lose(this.#inFlight + this.#lines.length, "nobody reads");
      break;
    }
    clearTimeout(timer);
    if (this.#closed) return;
    this.#closed = true;
    if (isPath(this.#destination)) close(this.#fd, () => {});
  }
}

function writeSome(fd: number, bytes: Uint8Array, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, at, bytes.length - at, null, (error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

function isPath(destination: string): boolean {
  return destination !== "-" && !/^fd:\d+$/.test(destination);
}

function openDestination(destination: string): number {
  const [, later] = /^(journald|syslog):/.exec(destination) ?? [];
  if (later !== undefined) {
    throw new PortailError(`audit to ${later} is not there yet`, {
      code: "audit.unsupported",
      exit: EXIT.usage,
      hint: "write to a file, fd:N or -, and let the service manager or a pipe take it further",
    });
  }
  try {
    if (destination === "-") return 1;
    if (!isPath(destination)) {
      const fd = Number(destination.slice(3));
      fstatSync(fd);
      return fd;
    }
    // Without O_NONBLOCK the opening of a named pipe would wait for a reader, and nothing else would be done meanwhile.
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
    return openSync(destination, flags, 0o600);
  } catch (error) {
    const code = (error as { code?: string }).code ?? String(error);
    throw new PortailError(`cannot open the audit destination ${JSON.stringify(destination)}: ${code}`, {
      code: "audit.cannot_open",
      exit: EXIT.cannotCreate,
      hint:
        code === "ENXIO"
          ? "start the reader of the named pipe first"
          : "give a path in a folder that this user may write to, fd:N, or - for standard output",
      cause: error,
    });
  }
}

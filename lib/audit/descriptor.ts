/** Audit lines to a file, a descriptor or standard output. Holds nothing back and counts nothing: that is the queue's. */
import { close, constants, fstatSync, openSync, write } from "node:fs";
import { cannotOpen } from "./cannot-open.ts";
import type { AuditEvent } from "./event.ts";
import type { Entry, Outlet, Put } from "./queue.ts";
import type { AuditPlace } from "./settings.ts";

type DescriptorPlace = Extract<AuditPlace, { kind: "stdout" | "fd" | "file" }>;

/** Milliseconds before a descriptor that would block is tried again. */
const RETRY = 20;
const NEWLINE = 10;

export class DescriptorOutlet implements Outlet {
  readonly #place: DescriptorPlace;
  #fd: number;
  #busy: Promise<unknown> = Promise.resolve();
  /** A line of which the first `written` bytes are in `fd`. */
  #torn: { entry: Entry; written: number; fd: number } | undefined;

  /** Throws `PortailError` (`audit.cannot_open`). */
  constructor(place: DescriptorPlace) {
    this.#place = place;
    this.#fd = open(place);
  }

  /** A disk that is full fills no other: only there it is worth to wait. */
  get isRegularFile(): boolean {
    return fstatSync(this.#fd).isFile();
  }

  encode(event: AuditEvent): Entry {
    return `${JSON.stringify(event)}\n`;
  }

  put(entries: readonly Entry[]): Promise<Put> {
    const putting = this.#put(entries);
    this.#busy = putting;
    return putting;
  }

  async #put(entries: readonly Entry[]): Promise<Put> {
    const fd = this.#fd;
    const torn = this.#torn?.fd === fd ? this.#torn : undefined;
    // The rest of the line that broke off; where it is not to come any more, what is there of it ends.
    const goesOn = torn !== undefined && torn.entry === entries[0];
    const prefix = torn !== undefined && !goesOn ? "\n" : "";
    const bytes = Buffer.from(prefix + entries.join(""));
    const start = goesOn ? torn.written : 0;
    let at = start;
    let error: string | undefined;
    // After it was opened anew, the rest belongs into the new file.
    while (at < bytes.length && error === undefined && fd === this.#fd) {
      try {
        at += await writeSome(fd, bytes, at);
      } catch (thrown) {
        const code = (thrown as { code?: string }).code ?? String(thrown);
        if (code === "EAGAIN" || code === "EINTR") await new Promise((resolve) => setTimeout(resolve, RETRY));
        else error = code;
      }
    }
    const ends = bytes.subarray(start, at).filter((byte) => byte === NEWLINE).length;
    const taken = Math.max(0, ends - prefix.length);
    if (at === start) this.#torn = torn;
    else {
      const written = at - (bytes.lastIndexOf(NEWLINE, at - 1) + 1);
      this.#torn = written === 0 ? undefined : { entry: entries[taken] ?? "", written, fd };
    }
    return error === undefined ? { taken } : { taken, error };
  }

  reopen(): void {
    if (this.#place.kind !== "file") return;
    const old = this.#fd;
    this.#fd = open(this.#place);
    // A write that is under way still names the old descriptor.
    void this.#busy.then(() => close(old, () => {}));
  }

  close(): void {
    const fd = this.#fd;
    if (this.#place.kind === "file") void this.#busy.then(() => close(fd, () => {}));
  }
}

function writeSome(fd: number, bytes: Uint8Array, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, at, bytes.length - at, null, (error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

function open(place: DescriptorPlace): number {
  try {
    if (place.kind === "stdout") return 1;
    if (place.kind === "fd") {
      fstatSync(place.fd);
      return place.fd;
    }
    // Without O_NONBLOCK the opening of a named pipe would wait for a reader, and nothing else would be done meanwhile.
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
    return openSync(place.path, flags, 0o600);
  } catch (error) {
    const code = (error as { code?: string }).code ?? String(error);
    const destination = place.kind === "fd" ? `fd:${place.fd}` : place.kind === "file" ? place.path : "-";
    const hint =
      code === "ENXIO"
        ? "start the reader of the named pipe first"
        : "give a path in a folder that this user may write to, fd:N, or - for standard output";
    throw cannotOpen(destination, code, hint, error);
  }
}

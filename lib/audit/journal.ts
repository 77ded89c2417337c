/** Audit events to journald, in its native protocol: MESSAGE is the line, its fields stand beside it. Holds nothing back. */
import { closeSync } from "node:fs";
import { sealedFile } from "../ffi/sealed-file.ts";
import { openUnixSocket, type UnixSocket } from "../ffi/unix-socket.ts";
import { encodeJournalEntry } from "../wire/journal-entry.ts";
import { cannotOpen } from "./cannot-open.ts";
import type { AuditEvent } from "./event.ts";
import type { Entry, Outlet, Put } from "./queue.ts";
import { severityOf } from "./severity.ts";

const SLOW: ReadonlySet<string> = new Set(["EAGAIN", "EINTR", "ENOBUFS"]);

/** Throws `PortailError` (`audit.cannot_open`) where nobody takes entries at `path`. */
export function openJournal(destination: string, path: string): Outlet {
  // A stream is refused where the socket takes datagrams: this one does, and somebody is behind it.
  const stream = openUnixSocket("stream", path);
  if (typeof stream !== "string") stream.close();
  const socket = stream === "EPROTOTYPE" ? openUnixSocket("datagram", path) : stream;
  if (typeof stream === "string" && typeof socket !== "string") return new JournalOutlet(socket);
  const why = typeof stream === "string" ? stream : "that socket is no journal's";
  throw cannotOpen(destination, why, "start journald, or write to a file");
}

class JournalOutlet implements Outlet {
  readonly #socket: UnixSocket;

  constructor(socket: UnixSocket) {
    this.#socket = socket;
  }

  encode(event: AuditEvent): Entry {
    return encodeJournalEntry(journalFields(event));
  }

  async put(entries: readonly Entry[]): Promise<Put> {
    for (const [taken, entry] of entries.entries()) {
      const error = this.#send(entry as Uint8Array);
      if (error !== undefined) return SLOW.has(error) ? { taken, slow: true } : { taken, error };
    }
    return { taken: entries.length };
  }

  /** What no datagram holds is passed as a sealed file. */
  #send(entry: Uint8Array): string | undefined {
    const sent = this.#socket.send(entry);
    if (typeof sent === "number") return undefined;
    if (sent !== "EMSGSIZE") return sent;
    const file = sealedFile("portail-audit", entry);
    if (typeof file === "string") return file;
    const error = this.#socket.pass(file);
    closeSync(file);
    return error;
  }

  reopen(): void {}

  close(): void {
    this.#socket.close();
  }
}

/** Fields of the event that are text, numbers or lists of text; what has a structure of its own is in MESSAGE alone. */
export function* journalFields(event: AuditEvent): Iterable<readonly [string, string]> {
  yield ["MESSAGE", JSON.stringify(event)];
  yield ["PRIORITY", String(severityOf(event))];
  yield ["SYSLOG_IDENTIFIER", "portail"];
  yield ["SYSLOG_FACILITY", "13"];
  for (const [key, value] of Object.entries(event)) {
    const name = `PORTAIL_${key.replace(/[A-Z]/g, "_$&").toUpperCase()}`;
    const values = Array.isArray(value) ? (value as unknown[]) : [value];
    for (const one of values) {
      if (typeof one === "string" || typeof one === "number" || typeof one === "boolean") yield [name, String(one)];
    }
  }
}

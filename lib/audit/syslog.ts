/** Audit events to a syslog daemon, as RFC 5424 messages whose text is the line: over UDP, TCP or a UNIX socket. */
import { hostname } from "node:os";
import type { AuditEvent } from "./event.ts";
import { encodeSyslogMessage } from "../wire/syslog-message.ts";
import { cannotOpen } from "./cannot-open.ts";
import type { Entry, Outlet, Put } from "./queue.ts";
import type { AuditPlace } from "./settings.ts";
import { severityOf } from "./severity.ts";
import { openStreamLink, openUdpLink, openUnixLink } from "./syslog-links.ts";

/** A way to a daemon. */
export interface SyslogLink {
  put(messages: readonly Uint8Array[]): Promise<Put>;
  close(): void;
}

/** `log audit` (RFC 5424 section 6.2.1). */
const FACILITY = 13;

/** Rejects with `PortailError` (`audit.cannot_open`) where nobody answers; over UDP nobody does, and only the name is looked up. */
export async function openSyslogOutlet(
  destination: string,
  place: Extract<AuditPlace, { kind: "syslog" }>,
): Promise<Outlet> {
  const open = { udp: openUdpLink, tcp: openStreamLink };
  const link = place.via === "unix" ? openUnixLink(place.path) : await open[place.via](place.host, place.port);
  if (typeof link === "string") {
    throw cannotOpen(destination, link, "start the syslog daemon, or write to a file");
  }
  return new SyslogOutlet(link);
}

class SyslogOutlet implements Outlet {
  readonly #link: SyslogLink;
  readonly #about = { facility: FACILITY, host: hostname(), app: "portail", process: String(process.pid) };

  constructor(link: SyslogLink) {
    this.#link = link;
  }

  encode(event: AuditEvent): Entry {
    const { time, event: id } = event;
    return encodeSyslogMessage({ ...this.#about, severity: severityOf(event), time, id, text: JSON.stringify(event) });
  }

  put(entries: readonly Entry[]): Promise<Put> {
    return this.#link.put(entries as readonly Uint8Array[]);
  }

  reopen(): void {}

  close(): void {
    this.#link.close();
  }
}

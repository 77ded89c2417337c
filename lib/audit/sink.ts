/** Where audit lines go, and how that is: opens the sink of a daemon, which buffers, never blocks, and never loses in silence. */
import type { Logger } from "../command/log.ts";
import { DescriptorOutlet } from "./descriptor.ts";
import type { AuditEvent } from "./event.ts";
import { QueuedSink, type Outlet } from "./queue.ts";
import type { AuditSettings } from "./settings.ts";

export interface AuditSink {
  /** Takes the event; the line is written soon. */
  write(event: AuditEvent): void;
  /** Opens a file anew (after it was rotated). Keeps the old one, and throws, if that fails. */
  reopen(): void;
  /** Writes what is held and closes. */
  close(): Promise<void>;
  /** Lines that could not be written since the start. */
  readonly lost: number;
  /** Lines that are held until they can be written. */
  readonly waiting: number;
  /** Why the place takes nothing at present. */
  readonly failing: string | undefined;
}

/** Milliseconds in which a syslog daemon may be started anew without loss. */
const GRACE = 1000;

let current: AuditSink | undefined;

/** The sink of this process, for its status and metrics. */
export function currentAudit(): AuditSink | undefined {
  return current;
}

/**
 * Undefined without settings. `log` is told of trouble, then once a minute for as long as it goes on, and of its end.
 * Rejects with `PortailError` (`audit.cannot_open`) where the place is not there.
 */
export async function openAudit(
  settings: AuditSettings | undefined,
  log: Pick<Logger, "error" | "info">,
): Promise<AuditSink | undefined> {
  return settings && (current = await openAuditSink(settings, log));
}

/** As `openAudit`, for a sink that is not the process's own. */
export async function openAuditSink(
  settings: AuditSettings,
  log: Pick<Logger, "error" | "info">,
  every?: number,
): Promise<AuditSink> {
  const { destination, place } = settings;
  const outlet = await openOutlet(settings);
  const isFile = outlet instanceof DescriptorOutlet && outlet.isRegularFile;
  const full = settings.full ?? (isFile ? "block" : "drop");
  const grace = place.kind === "journald" || place.kind === "syslog" ? GRACE : 0;
  return new QueuedSink(outlet, { destination, full, log, grace, ...(every === undefined ? {} : { every }) });
}

/** Loaded when they are wanted. */
async function openOutlet({ destination, place }: AuditSettings): Promise<Outlet> {
  if (place.kind === "journald") return (await import("./journal.ts")).openJournal(destination, place.path);
  if (place.kind === "syslog") return (await import("./syslog.ts")).openSyslogOutlet(destination, place);
  return new DescriptorOutlet(place);
}

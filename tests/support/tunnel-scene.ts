/** A running `portail tunnel server` or `client`: where it listens, what it logged and recorded, and what it holds open. Asserts nothing. */
import { readdirSync, readlinkSync } from "node:fs";
import type { ReloadEvent, SessionEvent } from "../../lib/audit/event.ts";
import { AuditTrail } from "./audit-trail.ts";
import type { Program } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

export interface TunnelOptions {
  side: "server" | "client";
  /** `HOST:PORT` or `unix:PATH`. */
  target: string;
  /** Default: one port of 127.0.0.1. */
  listen?: readonly string[];
  /** Further flags: the identity, the trust, who may. */
  args?: readonly string[];
  env?: Record<string, string>;
}

/** A line of the log, `--log-format json`. */
export interface LogLine {
  level: string;
  message: string;
  session?: string;
  reason?: string;
}

let started = 0;

export class RunningTunnel {
  readonly program: Program;
  readonly audit: AuditTrail;
  /** Of the first TCP listener. */
  port = 0;
  listen: string[] = [];

  constructor(scene: Scene, begin: (args: string[]) => Program, options: TunnelOptions) {
    const auditFile = scene.path(`tunnel-${++started}.jsonl`);
    const listen = (options.listen ?? ["127.0.0.1:0"]).flatMap((address) => ["--listen", address]);
    const common = [...listen, "--target", options.target, "--audit", auditFile, "--log-format", "json"];
    this.program = begin(["tunnel", options.side, ...common, ...(options.args ?? [])]);
    this.audit = new AuditTrail(auditFile, () => this.program.stderr);
  }

  async listening(): Promise<void> {
    const [, places] = await this.program.output("stderr", /"message":"listening on ([^"]+)"/);
    this.listen = places!.split(", ");
    this.port = Number(/:(\d+)$/.exec(this.listen.find((place) => /:\d+$/.test(place)) ?? "")?.[1] ?? 0);
  }

  /** Whole lines of the log so far. */
  log(): LogLine[] {
    return this.program.stderr
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogLine);
  }

  /** The records of connections so far, but for forgotten ones (`audit.forget`). */
  sessions(): SessionEvent[] {
    return this.audit.of("session");
  }

  /** Waits for the record of a connection. */
  session(matches?: (line: SessionEvent) => boolean): Promise<SessionEvent> {
    return this.audit.record("session", matches);
  }

  /** Sends the signal and waits for what came of it. */
  async reload(signal: NodeJS.Signals = "SIGHUP"): Promise<ReloadEvent> {
    const before = this.audit.of("reload").length;
    this.program.signal(signal);
    return until(
      () => `the reload:\n${this.program.stderr}`,
      () => this.audit.of("reload")[before],
    );
  }

  /** Sockets that it has open: listeners and connections. */
  sockets(): number {
    const folder = `/proc/${this.program.pid}/fd`;
    return readdirSync(folder).filter((fd) => linkOf(`${folder}/${fd}`).startsWith("socket:")).length;
  }

  /** Of memory, in bytes (VmRSS). */
  async resident(): Promise<number> {
    const status = await Bun.file(`/proc/${this.program.pid}/status`).text();
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) * 1024;
  }

  /** Sends SIGTERM; the exit status. */
  stop(): Promise<number | null> {
    this.program.signal("SIGTERM");
    return this.program.ended;
  }
}

/** "" for a descriptor that was closed while the folder was read. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

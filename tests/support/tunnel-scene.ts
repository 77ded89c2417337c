/** A running `portail tunnel server` or `client`: where it listens, what it logged and recorded, and what it holds open. Asserts nothing. */
import { readdirSync, readlinkSync } from "node:fs";
import type { ReloadEvent, SessionEvent } from "../../lib/audit/event.ts";
import { AuditTrail } from "./audit-trail.ts";
import type { Program } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

export interface TunnelOptions {
  side: "server" | "client";
  /** `HOST:PORT` or `unix:PATH`; absent where a configuration file names the tunnels (`tunnelConfig`). */
  target?: string;
  /** Default: one port of 127.0.0.1, for `target`. */
  listen?: readonly string[];
  /** Further flags: the identity, the trust, who may. */
  args?: readonly string[];
  env?: Record<string, string>;
  /** Stands before the command line. */
  prefix?: readonly string[];
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
  /** All listeners, in the order of the tunnels. */
  listen: string[] = [];

  constructor(scene: Scene, begin: (args: string[]) => Program, options: TunnelOptions) {
    const auditFile = scene.path(`tunnel-${++started}.jsonl`);
    const { side, target, listen = target === undefined ? [] : ["127.0.0.1:0"], args = [] } = options;
    const places = [
      ...listen.flatMap((address) => ["--listen", address]),
      ...(target === undefined ? [] : ["--target", target]),
    ];
    this.program = begin(["tunnel", side, ...places, "--audit", auditFile, "--log-format", "json", ...args]);
    this.audit = new AuditTrail(auditFile, () => this.program.stderr);
  }

  async listening(): Promise<void> {
    const [, places] = await this.program.output("stderr", /"message":"listening on ([^"]+)"/);
    this.listen = places!.split(", ");
  }

  /** Of the first TCP listener. */
  get port(): number {
    return portOf(this.listen.find((place) => portOf(place) > 0));
  }

  /** Of a listener. */
  portOf(nth: number): number {
    return portOf(this.listen[nth]);
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

  /** Where the status listener is, once it is there. */
  async status(): Promise<string> {
    return (await this.program.output("stderr", /"message":"status on ([^"]+)"/))[1]!;
  }

  /** ghostunnel's metrics by their names, without the prefix; only with `--status http://127.0.0.1:0`. */
  async metrics(): Promise<Record<string, number>> {
    const answer = await fetch(`http://${await this.status()}/_metrics/json`);
    const list = (await answer.json()) as { metric: string; value: number }[];
    return Object.fromEntries(list.map(({ metric, value }) => [metric.replace("ghostunnel.", ""), value]));
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

/** 0 where there is none. */
function portOf(place = ""): number {
  return Number(/:(\d+)$/.exec(place)?.[1] ?? 0);
}

/** "" for a descriptor that was closed while the folder was read. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

export type Table = Readonly<Record<string, string | boolean | readonly string[]>>;

/** A configuration file with a `[trust.NAME]`, a `[[tunnel]]` and an `[identity.NAME]` table for each of `trusts` and so on. */
export function tunnelConfig(
  trusts: Readonly<Record<string, Table>>,
  tunnels: Readonly<Record<string, Table>>,
  identities: Readonly<Record<string, Table>> = {},
): string {
  // A JSON string, boolean or array of strings is a TOML one.
  const table = (head: string, keys: Table) =>
    [head, ...Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}`), ""].join("\n");
  return [
    ...Object.entries(trusts).map(([name, keys]) => table(`[trust.${name}]`, keys)),
    ...Object.entries(identities).map(([name, keys]) => table(`[identity.${name}]`, keys)),
    ...Object.entries(tunnels).map(([name, keys]) => table("[[tunnel]]", { name, ...keys })),
  ].join("\n");
}

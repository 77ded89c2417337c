/** A running `portail mux serve`: where it listens, what it recorded, and its routes, which can be changed. Asserts nothing. */
import { writeFileSync } from "node:fs";
import type { ReloadEvent, SessionEvent } from "../../lib/audit/event.ts";
import { AuditTrail } from "./audit-trail.ts";
import type { Portail } from "./portail.ts";
import type { Program } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

type Table = Readonly<Record<string, string | boolean | readonly string[]>>;

export interface MuxTables {
  routes: readonly Table[];
  identities?: Readonly<Record<string, Table>>;
  trusts?: Readonly<Record<string, Table>>;
}

let started = 0;

export class RunningMux {
  readonly program: Program;
  readonly audit: AuditTrail;
  readonly configFile: string;
  listen: string[] = [];

  private constructor(scene: Scene, portail: Portail, tables: MuxTables, args: readonly string[]) {
    const number = ++started;
    this.configFile = scene.write(`mux-${number}.toml`, muxConfig(tables));
    const auditFile = scene.path(`mux-${number}.jsonl`);
    const common = ["--listen", "127.0.0.1:0", "--config", this.configFile, "--audit", auditFile];
    this.program = portail.start(["mux", "serve", ...common, ...args]);
    this.audit = new AuditTrail(auditFile, () => this.program.stderr);
  }

  static async open(scene: Scene, portail: Portail, tables: MuxTables, args: readonly string[] = []) {
    const mux = new RunningMux(scene, portail, tables, args);
    const [, places] = await mux.program.output("stderr", /listening on (.+)/);
    mux.listen = places!.trim().split(", ");
    return mux;
  }

  get port(): number {
    return Number(/:(\d+)$/.exec(this.listen[0]!)![1]);
  }

  /** Waits for the record of a connection. */
  session(matches?: (line: SessionEvent) => boolean): Promise<SessionEvent> {
    return this.audit.record("session", matches);
  }

  /** Writes other tables, sends SIGHUP, and waits for what came of it. */
  async reload(tables: MuxTables): Promise<ReloadEvent> {
    const before = this.audit.of("reload").length;
    writeFileSync(this.configFile, muxConfig(tables));
    this.program.signal("SIGHUP");
    return until(
      () => `the reload:\n${this.program.stderr}`,
      () => this.audit.of("reload")[before],
    );
  }

  /** Sends SIGTERM; the exit status. */
  stop(): Promise<number | null> {
    this.program.signal("SIGTERM");
    return this.program.ended;
  }
}

export function muxConfig({ routes, identities = {}, trusts = {} }: MuxTables): string {
  // A JSON string, boolean or array of strings is a TOML one.
  const table = (head: string, keys: Table) =>
    [head, ...Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}`), ""].join("\n");
  return [
    ...Object.entries(identities).map(([name, keys]) => table(`[identity.${name}]`, keys)),
    ...Object.entries(trusts).map(([name, keys]) => table(`[trust.${name}]`, keys)),
    ...routes.map((keys) => table("[[route]]", keys)),
  ].join("\n");
}

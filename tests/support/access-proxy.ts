/** A running `portail socks`: where it listens, what it recorded, and the signals that it takes. Asserts nothing. */
import { writeFileSync } from "node:fs";
import type { AuditEvent, DecisionEvent, ReloadEvent } from "../../lib/audit/event.ts";
import { AuditTrail, type LineOf } from "./audit-trail.ts";
import { curl } from "./curl.ts";
import type { Program } from "./program.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

export interface AccessProxyOptions {
  /** The text of the policy. */
  policy: string;
  /** Default: one port of 127.0.0.1. */
  listen?: readonly string[];
  /** Further flags. */
  args?: readonly string[];
  env?: Record<string, string>;
  /** Default: a file, which `audit()` reads. */
  audit?: string;
}

let started = 0;

export class AccessProxy {
  readonly program: Program;
  readonly policyFile: string;
  readonly auditFile: string;
  /** Of the first TCP listener. */
  port = 0;
  listen: string[] = [];
  readonly #trail: AuditTrail;

  constructor(scene: Scene, begin: (args: string[]) => Program, options: AccessProxyOptions) {
    const number = ++started;
    this.policyFile = scene.write(`policy-${number}.acl`, options.policy);
    this.auditFile = options.audit ?? scene.path(`audit-${number}.jsonl`);
    const listen = (options.listen ?? ["127.0.0.1:0"]).flatMap((address) => ["--listen", address]);
    const given = ["--acl", this.policyFile, "--audit", this.auditFile, ...(options.args ?? [])];
    this.program = begin(["socks", ...listen, ...given]);
    this.#trail = new AuditTrail(this.auditFile, () => this.program.stderr);
  }

  async listening(): Promise<void> {
    const [, places] = await this.program.output("stderr", /listening on (.+) policy=/);
    this.listen = places!.split(", ");
    this.port = Number(/:(\d+)$/.exec(this.listen.find((place) => /:\d+$/.test(place)) ?? "")?.[1] ?? 0);
  }

  /** As a URL for clients, e.g. `socks5h://127.0.0.1:1080`. */
  url(scheme: string): string {
    return `${scheme}://127.0.0.1:${this.port}`;
  }

  /** The audit lines so far, but for forgotten ones; each must be JSON. */
  audit(): AuditEvent[] {
    return this.#trail.lines();
  }

  /** Only what happens from now on counts; lines of before may still be on their way to the file. */
  forget(): void {
    this.#trail.forget();
  }

  /** Waits for an audit line. */
  record<E extends AuditEvent["event"]>(event: E, matches?: (line: LineOf<E>) => boolean): Promise<LineOf<E>> {
    return this.#trail.record(event, matches);
  }

  /** Waits until so many requests have ended: their records. */
  closes(count: number): Promise<LineOf<"close">[]> {
    return until(
      () => `the end of ${count} requests, of ${this.#trail.of("close").length}`,
      () => {
        const all = this.#trail.of("close");
        return all.length === count && all;
      },
    );
  }

  /** The page of metrics, with `--status`. */
  async metrics(): Promise<string> {
    const [, place] = await this.program.output("stderr", /status on (\S+)/);
    return (await curl([`http://${place}/metrics`])).stdout;
  }

  /** A number of it by name and labels, without `portail_`; NaN where it is not there. */
  async metric(name: string): Promise<number> {
    const line = (await this.metrics()).split("\n").find((one) => one.startsWith(`portail_${name} `));
    return Number(line?.split(" ").at(-1));
  }

  /** Waits for the decision on a target, written as `host:port`. */
  decision(target: string, matches: (line: DecisionEvent) => boolean = () => true): Promise<DecisionEvent> {
    return this.record("decision", (line) => line.target === target && matches(line));
  }

  /** Writes another policy, sends SIGHUP, and waits for what came of it. */
  async reload(policy: string): Promise<ReloadEvent> {
    const before = this.#trail.of("reload").length;
    writeFileSync(this.policyFile, policy);
    this.program.signal("SIGHUP");
    return until("the reload", () => this.#trail.of("reload")[before]);
  }

  /** Sends SIGTERM; the exit status. */
  stop(): Promise<number | null> {
    this.program.signal("SIGTERM");
    return this.program.ended;
  }
}

/** A policy that lets everybody to these ports of this machine, and nowhere else. */
export function allowLocal(...ports: number[]): string {
  return `policy local {\n  when dest.ip in [127.0.0.0/8, ::1] and port in [${ports.join(", ")}]\n  action allow\n}\n`;
}

/** A running stub resolver: its names, its sockets, its status. */
import { AUDIT_VERSION, type AuditEvent, type LifeEvent } from "../../lib/audit/event.ts";
import type { AuditSink } from "../../lib/audit/sink.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { formatAddress, type SocketAddress } from "../../lib/net/conn.ts";
import { formatHostPort } from "../../lib/net/endpoint.ts";
import { KeepAlive } from "../../lib/net/keep-alive.ts";
import type { Daemon, Life, ReloadOutcome } from "../../lib/service/life.ts";
import { Registry } from "../../lib/service/metrics.ts";
import { addProcessMetrics } from "../../lib/service/process-metrics.ts";
import type { StatusListener } from "../../lib/service/status.ts";
import { formatIpBytes } from "../../lib/wire/ip-bytes.ts";
import type { DnsSettings } from "./dns-settings.ts";
import type { NameAnswer } from "./names/answerer.ts";
import { openNames, type Names } from "./names/open-names.ts";

export class DnsProcess implements Daemon {
  readonly #runtime: Runtime;
  readonly #settings: DnsSettings;
  readonly #sink: AuditSink | undefined;
  #names: Names | undefined;
  #status: StatusListener | undefined;

  constructor(runtime: Runtime, settings: DnsSettings, sink: AuditSink | undefined) {
    this.#runtime = runtime;
    this.#settings = settings;
    this.#sink = sink;
  }

  get open(): number {
    return this.#names?.open ?? 0;
  }

  get summary(): string {
    return `answering on ${this.#addresses.map(formatAddress).join(", ")}`;
  }

  get #addresses(): readonly SocketAddress[] {
    return this.#names?.addresses ?? [];
  }

  /** Opens everything or nothing. */
  async start(life: Life): Promise<this> {
    const { log, env } = this.#runtime;
    const settings = this.#settings;
    const audit = this.#sink && ((answer: NameAnswer) => this.#audit(answer));
    this.#names = await openNames({ settings, listen: settings.listen, audit, keepAlive: new KeepAlive(60), env, log });
    try {
      await this.#openStatus(life);
    } catch (error) {
      this.#names.close();
      throw error;
    }
    log.info(this.summary);
    if (this.#status !== undefined) log.info(`status on ${formatAddress(this.#status.address)}`);
    this.#record({ event: "start", listen: this.#addresses.map(formatAddress) });
    return this;
  }

  async #openStatus(life: Life): Promise<void> {
    const { status } = this.#settings;
    if (status === undefined) return;
    // Loaded when it is wanted: node:http is memory that most do without.
    const { openDaemonStatus } = await import("../../lib/service/daemon-status.ts");
    const registry = new Registry("portail");
    addProcessMetrics(registry, life, { command: "tproxy", version: this.#runtime.version });
    this.#names!.register(registry);
    const listen = this.#addresses.map(formatAddress);
    this.#status = await openDaemonStatus(this.#runtime, status, { command: "tproxy", life, registry, listen });
  }

  reload(): Promise<ReloadOutcome> {
    try {
      this.#sink?.reopen();
      this.#record({ event: "reload", outcome: "done" });
      return Promise.resolve("done");
    } catch (error) {
      this.#runtime.log.error(`the audit file cannot be opened anew: ${(error as Error).message}`);
      return Promise.resolve("kept");
    }
  }

  async drain(): Promise<void> {
    this.#record({ event: "drain", open: this.open });
    await this.#status?.close();
    await this.#names?.drain();
    this.#names?.cut();
  }

  cut(): void {
    this.#names?.cut();
  }

  /** Writes what is left to be written. */
  async close(): Promise<void> {
    this.#record({ event: "stop", open: this.open });
    this.#names?.close();
    await this.#sink?.close();
  }

  #audit({ client, name, type, outcome, address }: NameAnswer): void {
    this.#write({
      event: "name",
      client: formatHostPort(client.ip, client.port),
      transport: client.transport,
      name,
      type: TYPES.get(type) ?? `TYPE${type}`,
      outcome,
      ...(address && { address: formatIpBytes(address) }),
    });
  }

  #record(event: Pick<LifeEvent, "event" | "listen" | "open"> | { event: "reload"; outcome: ReloadOutcome }): void {
    this.#write(event);
  }

  #write(event: object): void {
    if (this.#sink === undefined) return;
    const time = new Date().toISOString();
    this.#sink.write({ v: AUDIT_VERSION, time, command: "tproxy", ...event } as AuditEvent);
  }
}

/** Names of the types that clients of names ask for; others are written as RFC 3597 has it. */
const TYPES: ReadonlyMap<number, string> = new Map([
  [1, "A"],
  [2, "NS"],
  [5, "CNAME"],
  [6, "SOA"],
  [12, "PTR"],
  [15, "MX"],
  [16, "TXT"],
  [28, "AAAA"],
  [33, "SRV"],
  [64, "SVCB"],
  [65, "HTTPS"],
  [255, "ANY"],
]);

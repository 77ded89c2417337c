/** A running `portail mux forward`: its listeners, a record of each connection, and its status. How connections are wrapped is lib/service. */
import { AUDIT_VERSION } from "../../lib/audit/event.ts";
import { certificateRecord } from "../../lib/audit/peer-record.ts";
import { type AuditSink } from "../../lib/audit/sink.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { formatAddress } from "../../lib/net/conn.ts";
import { Unreached } from "../../lib/net/upstream.ts";
import { CachedCheck } from "../../lib/service/health.ts";
import { Counter, Histogram, LIVES } from "../../lib/service/instruments.ts";
import type { Daemon, Life, ReloadOutcome } from "../../lib/service/life.ts";
import { recordLife } from "../../lib/service/life-record.ts";
import type { Carried, LocalWrap } from "../../lib/service/local-wrap.ts";
import { Family, Registry } from "../../lib/service/metrics.ts";
import { addProcessMetrics } from "../../lib/service/process-metrics.ts";
import type { StatusListener } from "../../lib/service/status.ts";
import type { StatusSettings } from "../../lib/service/status-settings.ts";

interface ForwardSettings {
  sink: AuditSink | undefined;
  status: StatusSettings | undefined;
  /** Milliseconds for a look at the server. */
  timeout: number;
}

export class ForwardProcess implements Daemon {
  readonly #runtime: Runtime;
  readonly #settings: ForwardSettings;
  readonly #wrap: LocalWrap;
  readonly #sink: AuditSink | undefined;
  readonly #lives = new Histogram(LIVES);
  readonly #refused = new Family(["reason"], () => new Counter());
  readonly #run = Buffer.from(crypto.getRandomValues(new Uint8Array(4))).toString("hex");
  #status: StatusListener | undefined;
  #count = 0;
  #sent = 0;
  #received = 0;

  constructor(runtime: Runtime, wrap: LocalWrap, settings: ForwardSettings) {
    this.#runtime = runtime;
    this.#wrap = wrap;
    this.#settings = settings;
    this.#sink = settings.sink;
    wrap.carried = (carried) => this.#carried(carried);
  }

  get open(): number {
    return this.#wrap.open;
  }

  get summary(): string {
    return this.#wrap.summary;
  }

  /** Opens all listeners, that of the status included, or none. */
  async start(life: Life): Promise<this> {
    await this.#wrap.listen();
    try {
      await this.#openStatus(life);
    } catch (error) {
      await this.#wrap.drain();
      throw error;
    }
    const { log } = this.#runtime;
    log.info(this.summary);
    if (this.#status !== undefined) log.info(`status on ${formatAddress(this.#status.address)}`);
    recordLife(this.#sink, "mux", { event: "start", listen: this.#wrap.places.map(formatAddress) });
    return this;
  }

  async #openStatus(life: Life): Promise<void> {
    const { status, timeout } = this.#settings;
    if (status === undefined) return;
    // Loaded when it is wanted: node:http is memory that most do without.
    const { openDaemonStatus } = await import("../../lib/service/daemon-status.ts");
    const wrap = this.#wrap;
    const registry = new Registry("portail");
    addProcessMetrics(registry, life, { command: "mux", version: this.#runtime.version });
    this.#register(registry);
    const health = new CachedCheck(() => wrap.probe(), timeout);
    this.#status = await openDaemonStatus(this.#runtime, status, {
      command: "mux",
      life,
      registry,
      listen: wrap.places.map(formatAddress),
      forward: { address: wrap.targetText, health },
      tls: { identity: () => wrap.identity, deadlines: wrap.deadlines, keepAlive: wrap.settings.keepAlive },
      identities: () => [["shown to the multiplexer", wrap.identity]],
      connections: () => wrap.connections,
      reusePort: true,
    });
  }

  #register(registry: Registry): void {
    registry.read("counter", "connections_total", "Connections that were accepted", () => this.#count);
    registry.read("gauge", "connections_open", "Connections that are open", () => this.open);
    registry.read("counter", "relayed_bytes_total", "Bytes that were relayed, by who sent them", () => [
      [{ from: "client" }, this.#sent + this.#moving("sent")],
      [{ from: "target" }, this.#received + this.#moving("received")],
    ]);
    registry.members("refused_total", "Connections that did not reach the server, by the reason", "counter", () =>
      this.#refused.instruments(),
    );
    registry.add("connection_seconds", "Time that connections lasted", this.#lives);
  }

  /** Bytes of connections that are open. */
  #moving(way: "sent" | "received"): number {
    let bytes = 0;
    for (const connection of this.#wrap.connections) bytes += connection[way];
    return bytes;
  }

  #carried({ client, end, reached, duration }: Carried): void {
    const session = `${this.#run}-${(++this.#count).toString(36)}`;
    const sent = reached?.conn.sent ?? 0;
    const received = reached?.conn.received ?? 0;
    this.#sent += sent;
    this.#received += received;
    this.#lives.observe(duration / 1000);
    const refused = end instanceof Unreached;
    if (refused) this.#refused.with(end.reason).value++;
    const error = refused ? end.message : end.error?.message;
    const upstream = reached?.peer ?? (refused ? end.peer : undefined);
    this.#sink?.write({
      v: AUDIT_VERSION,
      time: new Date().toISOString(),
      event: "session",
      session,
      command: "mux",
      client: formatAddress(client),
      target: this.#wrap.targetText,
      ...(reached === undefined ? {} : { dest: formatAddress(reached.address) }),
      decision: refused ? "deny" : "allow",
      policy: null,
      reason: refused ? end.reason : end.by,
      ...(error === undefined ? {} : { error }),
      ...(upstream === undefined ? {} : { upstream: certificateRecord(upstream) }),
      sent,
      received,
      duration: Math.round(duration),
      facts: {},
    });
  }

  async reload(): Promise<ReloadOutcome> {
    const reloaded = await this.#wrap.takeFiles(() => this.#sink?.reopen());
    recordLife(this.#sink, "mux", { event: "reload", ...reloaded });
    return reloaded.outcome;
  }

  async drain(): Promise<void> {
    const ended = this.#wrap.drain();
    await this.#status?.close();
    recordLife(this.#sink, "mux", { event: "drain", open: this.open });
    await ended;
  }

  cut(): void {
    this.#wrap.cut();
  }

  /** Writes what is left to be written. */
  async close(): Promise<void> {
    recordLife(this.#sink, "mux", { event: "stop", open: this.open });
    await this.#sink?.close();
  }
}

/** The tunnels of a running process: their listeners, status and metrics, reloaded together and drained together. */
import type { AuditSink } from "../../lib/audit/sink.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import type { SourceFiles } from "../../lib/identity/source-files.ts";
import { tokensOf } from "../../lib/identity/token/tokens.ts";
import { formatAddress, type SocketAddress } from "../../lib/net/conn.ts";
import { Listeners } from "../../lib/net/listeners.ts";
import { recordLife } from "../../lib/service/life-record.ts";
import { reloadOrKeep, type Daemon, type Life, type ReloadOutcome } from "../../lib/service/life.ts";
import { Registry } from "../../lib/service/metrics.ts";
import { addProcessMetrics } from "../../lib/service/process-metrics.ts";
import { workerSide, type Workers } from "../../lib/service/workers.ts";
import type { StatusListener } from "../../lib/service/status.ts";
import { loadTunnel, type Loaded, type TunnelPlan } from "./load.ts";
import { GhostunnelMetrics } from "./ghostunnel-metrics.ts";
import type { TunnelMetrics } from "./metrics.ts";
import type { ProcessSettings } from "./process.ts";
import { startPush } from "./push.ts";
import { reportCounts, startWorkers } from "./workers.ts";
import type { Tunnel } from "./tunnel.ts";

export interface PlannedTunnel {
  plan: TunnelPlan;
  tunnel: Tunnel;
}

interface ProcessParts {
  tunnels: readonly PlannedTunnel[];
  files: SourceFiles;
  metrics: TunnelMetrics;
  sink: AuditSink | undefined;
}

export class TunnelProcess implements Daemon {
  readonly tunnels: readonly Tunnel[];
  readonly #runtime: Runtime;
  readonly #settings: ProcessSettings;
  readonly #planned: readonly PlannedTunnel[];
  readonly #files: SourceFiles;
  readonly #metrics: TunnelMetrics;
  readonly #sink: AuditSink | undefined;
  readonly #listeners = new Listeners();
  #status: StatusListener | undefined;
  #endPush = () => {};
  #workers: Workers | undefined;

  constructor(runtime: Runtime, settings: ProcessSettings, { tunnels, files, metrics, sink }: ProcessParts) {
    this.#runtime = runtime;
    this.#settings = settings;
    this.#planned = tunnels;
    this.tunnels = tunnels.map(({ tunnel }) => tunnel);
    this.#files = files;
    this.#metrics = metrics;
    this.#sink = sink;
  }

  get open(): number {
    if (this.#workers !== undefined) return this.#metrics.sum("open");
    return this.tunnels.reduce((sum, tunnel) => sum + tunnel.open.size, 0);
  }

  get summary(): string {
    return `listening on ${this.addresses.join(", ")}`;
  }

  /** Where it listens. */
  get addresses(): string[] {
    return this.places.map(formatAddress);
  }

  get places(): readonly SocketAddress[] {
    return this.#listeners.addresses;
  }

  /** Opens all listeners, that of the status included, or none. */
  async start(life: Life): Promise<this> {
    try {
      await this.listen();
      const side = workerSide(this.#runtime.env);
      if (side === undefined) await this.#startFirst(life);
      else {
        reportCounts(side, this.#metrics);
        side.ready();
      }
    } catch (error) {
      this.#listeners.close();
      this.#endPush();
      this.#workers?.signal("SIGTERM");
      await this.#status?.close();
      throw error;
    }
    return this;
  }

  /** Opens the listeners of the tunnels. */
  async listen(): Promise<void> {
    const { env } = this.#runtime;
    const { keepAlive } = this.#settings;
    for (const { plan, tunnel } of this.#planned) {
      for (const endpoint of plan.settings.listen) {
        const accept = (conn: Parameters<Tunnel["accept"]>[0]) => tunnel.accept(conn);
        await this.#listeners.open(endpoint, env, { keepAlive, accept, reusePort: true, layered: tunnel.layered });
      }
    }
  }

  /** What one process of several says for all, once nothing can keep it from serving. */
  #announce(): void {
    const { log } = this.#runtime;
    for (const tunnel of this.tunnels) {
      const { name, side } = tunnel.settings;
      const targets = tunnel.targets.all.map(({ text }) => text).join(", ");
      log.info(`tunnel ${side} to ${targets}`, name === undefined ? {} : { tunnel: name });
    }
    log.info(this.summary);
    if (this.#status !== undefined) log.info(`status on ${formatAddress(this.#status.address)}`);
    recordLife(this.#sink, "tunnel", { event: "start", listen: this.addresses });
  }

  /** What one process of several does for all. */
  async #startFirst(life: Life): Promise<void> {
    const { workers } = this.#settings;
    if (workers > 1) this.#workers = await startWorkers(this.#runtime, workers - 1, this.#metrics);
    await this.#openStatus(life);
    this.#announce();
  }

  async #openStatus(life: Life): Promise<void> {
    const { status, push, connectTimeout } = this.#settings;
    const { log } = this.#runtime;
    const ghostunnel = new GhostunnelMetrics(this.#metrics, push.prefix);
    this.#endPush = await startPush(push, ghostunnel, log, this.tunnels[0]?.trusted);
    if (status === undefined) return;
    // Loaded when it is wanted: node:http is memory that most do without.
    const { openTunnelStatus } = await import("./status.ts");
    const registry = new Registry("portail");
    addProcessMetrics(registry, life, { command: "tunnel", version: this.#runtime.version });
    this.#metrics.register(registry);
    this.#status = await openTunnelStatus(this.#runtime, status, {
      tunnels: this.tunnels,
      listen: this.addresses,
      life,
      registry,
      more: ghostunnel.routes(),
      timeout: connectTimeout,
    });
    this.#listeners.claim(this.#status.address);
  }

  /** All or nothing: what cannot be read leaves every tunnel as it was. */
  async reload(): Promise<ReloadOutcome> {
    const { log } = this.#runtime;
    const reloaded = await reloadOrKeep(log, "certificates, trust and policies", async () => {
      const loaded: Loaded[] = [];
      for (const { plan } of this.#planned) loaded.push(await loadTunnel(plan, this.#files, log));
      this.#sink?.reopen();
      this.#planned.forEach(({ tunnel }, i) => tunnel.swap(loaded[i]!));
      this.#workers?.signal("SIGHUP");
    });
    recordLife(this.#sink, "tunnel", { event: "reload", ...reloaded });
    return reloaded.outcome;
  }

  async drain(): Promise<void> {
    this.#listeners.close();
    this.#endPush();
    await this.#status?.close();
    recordLife(this.#sink, "tunnel", { event: "drain", open: this.open });
    this.#workers?.signal("SIGTERM");
    await Promise.all([...this.tunnels.map((tunnel) => tunnel.drain()), this.#workers?.ended()]);
  }

  cut(): void {
    // The second time they cut as well.
    this.#workers?.signal("SIGTERM");
    for (const tunnel of this.tunnels) tunnel.open.cut();
  }

  /** Writes what is left to be written. */
  async close(): Promise<void> {
    recordLife(this.#sink, "tunnel", { event: "stop", open: this.open });
    tokensOf(this.#files).close();
    await this.#sink?.close();
  }
}

/** The life of `portail tproxy run`: its capture, status and metrics, reloaded and drained. Carries no connection itself. */
import type { Runtime } from "../../lib/command/runtime.ts";
import { formatAddress, type SocketAddress } from "../../lib/net/conn.ts";
import type { Listener } from "../../lib/net/listen.ts";
import { recordLife } from "../../lib/service/life-record.ts";
import { reloadOrKeep, type Daemon, type Life, type ReloadOutcome } from "../../lib/service/life.ts";
import { Registry } from "../../lib/service/metrics.ts";
import { addProcessMetrics } from "../../lib/service/process-metrics.ts";
import type { StatusListener } from "../../lib/service/status.ts";
import type { StatusSettings } from "../../lib/service/status-settings.ts";
import type { OpenConnection } from "../../lib/status/connections.ts";
import { CapturedLane } from "./captured-lane.ts";
import type { LedNames } from "./led-names.ts";
import type { Opened } from "./serve.ts";
import type { Tproxy } from "./tproxy.ts";

/** What leads connections to us. */
export interface Capturing {
  /** Listens, each listener being what `take` makes of it, then captures. Throws `PortailError`; nothing is left then that was not there before. */
  start(accept: Tproxy["accept"], runtime: Runtime, take: (listener: Listener) => Listener): Promise<void>;
  /** Where it is to listen. */
  readonly places: readonly SocketAddress[];
  /** What is captured, for people. */
  readonly summary: string;
  /** Accepts nothing more; what is still captured is refused. */
  stopAccepting(): void;
  /** Captures nothing more. */
  end(): Promise<void>;
}

/** A stub resolver, and how it is begun. */
export interface Led {
  readonly names: LedNames;
  open(): Promise<void>;
}

export interface ProcessParts {
  capturing: Capturing;
  status: StatusSettings | undefined;
  led: Led | undefined;
  /** Of our own connections. */
  mark: number | undefined;
}

export class TproxyProcess implements Daemon {
  readonly #runtime: Runtime;
  readonly #tproxy: Tproxy;
  readonly #load: Opened["load"];
  readonly #capturing: Capturing;
  readonly #statusSettings: StatusSettings | undefined;
  readonly #led: Led | undefined;
  readonly #lane: CapturedLane;
  #status: StatusListener | undefined;

  constructor(runtime: Runtime, { tproxy, load }: Opened, { capturing, status, led, mark }: ProcessParts) {
    this.#led = led;
    this.#runtime = runtime;
    this.#tproxy = tproxy;
    this.#load = load;
    this.#capturing = capturing;
    this.#statusSettings = status;
    this.#lane = new CapturedLane(tproxy, mark, status !== undefined || runtime.log.writes("info"));
  }

  get open(): number {
    return this.#tproxy.open.size + this.#tproxy.carried();
  }

  get summary(): string {
    return `${this.#capturing.summary}, listening on ${this.#addresses.join(", ")}`;
  }

  get #addresses(): string[] {
    return this.#capturing.places.map(formatAddress);
  }

  /** Captures and serves its status, or neither. */
  async start(life: Life): Promise<this> {
    try {
      await this.#led?.open();
      await this.#openStatus(life);
      const accept: Tproxy["accept"] = (conn) => this.#tproxy.accept(conn);
      await this.#capturing.start(accept, this.#runtime, (listener) => this.#lane.take(listener));
    } catch (error) {
      this.#led?.names.close();
      await this.#status?.close();
      await this.#lane.end();
      throw error;
    }
    const { log } = this.#runtime;
    log.info(this.summary);
    if (this.#led !== undefined)
      log.info(`answering for names on ${this.#led.names.addresses.map(formatAddress).join(", ")}`);
    if (this.#status !== undefined) log.info(`status on ${formatAddress(this.#status.address)}`);
    recordLife(this.#tproxy.sink, "tproxy", { event: "start", listen: this.#addresses });
    return this;
  }

  async #openStatus(life: Life): Promise<void> {
    const status = this.#statusSettings;
    if (status === undefined) return;
    // Loaded when it is wanted: node:http is memory that most do without.
    const { openDaemonStatus } = await import("../../lib/service/daemon-status.ts");
    const registry = new Registry("portail");
    addProcessMetrics(registry, life, { command: "tproxy", version: this.#runtime.version });
    this.#tproxy.metrics.register(registry);
    this.#led?.names.register(registry);
    this.#status = await openDaemonStatus(this.#runtime, status, {
      command: "tproxy",
      life,
      registry,
      listen: this.#addresses,
      identities: () => this.#tproxy.routes.map(({ name, files }) => [`rule ${name}`, files.identity]),
      connections: () => ({ total: this.open, [Symbol.iterator]: () => this.#connections() }),
    });
  }

  *#connections(): Generator<OpenConnection> {
    yield* this.#tproxy.open;
    yield* this.#lane.sessions;
  }

  /** All or nothing: what cannot be read leaves every rule as it was. */
  async reload(): Promise<ReloadOutcome> {
    const reloaded = await reloadOrKeep(this.#runtime.log, "certificates, trust, hosts and policies", async () => {
      this.#tproxy.swap(await this.#load());
      await this.#lane.forget();
      this.#tproxy.sink?.reopen();
    });
    recordLife(this.#tproxy.sink, "tproxy", { event: "reload", ...reloaded });
    return reloaded.outcome;
  }

  async drain(): Promise<void> {
    this.#capturing.stopAccepting();
    await this.#status?.close();
    recordLife(this.#tproxy.sink, "tproxy", { event: "drain", open: this.open });
    const { emptied } = await this.#lane.drain();
    await Promise.all([this.#led?.names.drain(), this.#tproxy.drain(), emptied]);
  }

  cut(): void {
    this.#tproxy.open.cut();
    this.#lane.cut();
  }

  /** Captures nothing more, and writes what is left to be written. */
  async close(): Promise<void> {
    const { open } = this;
    await this.#lane.end();
    await this.#capturing.end();
    this.#led?.names.close();
    recordLife(this.#tproxy.sink, "tproxy", { event: "stop", open });
    await this.#tproxy.close();
  }
}

/** A running multiplexer: its listeners, status and metrics; routes are reloaded together, without a connection that notices. */
import { AUDIT_VERSION, type AuditEvent } from "../../lib/audit/event.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { formatAddress, type SocketAddress } from "../../lib/net/conn.ts";
import { formatEndpoint } from "../../lib/net/endpoint.ts";
import { openListener, type Listener } from "../../lib/net/listen.ts";
import { ownListeners } from "../../lib/net/own-listeners.ts";
import type { Daemon, Life, ReloadOutcome } from "../../lib/service/life.ts";
import { Registry } from "../../lib/service/metrics.ts";
import { addProcessMetrics } from "../../lib/service/process-metrics.ts";
import type { StatusListener } from "../../lib/service/status.ts";
import type { LoadedPlace } from "./load.ts";
import type { Mux } from "./mux.ts";
import type { Route } from "./route.ts";
import type { RouteTable } from "./routes/table.ts";

/** A listener with the routes that are in force there. */
interface Open {
  listener: Listener;
  routes: Routes;
}

/** Changed by a reload, for the connections that come after it. */
interface Routes {
  table: RouteTable<Route>;
}

export class MuxProcess implements Daemon {
  readonly #runtime: Runtime;
  readonly #mux: Mux;
  /** Reads configuration and files anew. Throws `PortailError`. */
  readonly #load: () => Promise<LoadedPlace[]>;
  #open = new Map<string, Open>();
  #status: StatusListener | undefined;

  constructor(runtime: Runtime, mux: Mux, load: () => Promise<LoadedPlace[]>) {
    this.#runtime = runtime;
    this.#mux = mux;
    this.#load = load;
  }

  get open(): number {
    return this.#mux.open.size;
  }

  get summary(): string {
    return `listening on ${this.#addresses.map(formatAddress).join(", ")}`;
  }

  get #addresses(): SocketAddress[] {
    return Array.from(this.#open.values(), ({ listener }) => listener.address);
  }

  /** Opens all listeners, that of the status included, or none. */
  async start(life: Life): Promise<this> {
    await this.#take(await this.#load());
    try {
      await this.#openStatus(life);
    } catch (error) {
      this.#closeListeners();
      throw error;
    }
    this.#guard();
    const { log } = this.#runtime;
    log.info(this.summary);
    if (this.#status !== undefined) log.info(`status on ${formatAddress(this.#status.address)}`);
    this.#record({ event: "start", listen: this.#addresses.map(formatAddress) });
    return this;
  }

  /** Puts places in force: listeners that stay are not touched, new ones open first, others close last. */
  async #take(places: readonly LoadedPlace[]): Promise<void> {
    const next = new Map<string, Open>();
    const opened: Listener[] = [];
    try {
      for (const { endpoint, table } of places) {
        const text = formatEndpoint(endpoint);
        let open = this.#open.get(text);
        if (open === undefined) {
          const routes = { table };
          open = { listener: await this.#listen(endpoint, routes), routes };
          opened.push(open.listener);
        }
        const address = formatAddress(open.listener.address);
        if ([...next.values()].some(({ listener }) => formatAddress(listener.address) === address))
          throw listenedTwice(address);
        next.set(text, open);
      }
    } catch (error) {
      for (const listener of opened) listener.close();
      throw error;
    }
    for (const { endpoint, table } of places) next.get(formatEndpoint(endpoint))!.routes.table = table;
    const gone = [...this.#open].filter(([text]) => !next.has(text));
    this.#open = next;
    for (const [, { listener }] of gone) listener.close();
  }

  #listen(endpoint: LoadedPlace["endpoint"], routes: Routes): Promise<Listener> {
    const { keepAlive } = this.#mux.settings;
    return openListener(endpoint, this.#runtime.env, {
      keepAlive,
      reusePort: true,
      accept: (conn) => this.#mux.accept(conn, () => routes.table),
    });
  }

  async #openStatus(life: Life): Promise<void> {
    const { status } = this.#mux.settings;
    if (status === undefined) return;
    // Loaded when it is wanted: node:http is memory that most do without.
    const [{ openStatus }, { routesOf }] = await Promise.all([
      import("../../lib/service/status.ts"),
      import("../../lib/service/status-routes.ts"),
    ]);
    const { env, log, version } = this.#runtime;
    const registry = new Registry("portail");
    addProcessMetrics(registry, life, { command: "mux", version });
    this.#mux.metrics.register(registry);
    const source = { life, version, listen: this.#addresses.map(formatAddress).join(",") };
    if (status.scheme === "https")
      throw new PortailError("--status: a multiplexer serves its status over plain HTTP", {
        code: "status.address",
        exit: EXIT.usage,
        hint: "write HOST:PORT of loopback, or unix:PATH",
      });
    this.#status = await openStatus(status.endpoint, env, {
      routes: routesOf(source, registry, status),
      log,
      reusePort: true,
    });
  }

  #guard(): void {
    const own = this.#status === undefined ? this.#addresses : [...this.#addresses, this.#status.address];
    this.#mux.guard = { ...ownListeners(own), resolvedBy: "us" };
  }

  /** All or nothing: what cannot be read leaves every route as it was. */
  async reload(): Promise<ReloadOutcome> {
    const { log } = this.#runtime;
    try {
      await this.#take(await this.#load());
      this.#guard();
      this.#mux.sink?.reopen();
      log.info("reloaded routes, certificates, trust and policies");
      this.#record({ event: "reload", outcome: "done" });
      return "done";
    } catch (error) {
      if (!(error instanceof PortailError)) throw error;
      const detail = error.detail === undefined ? error.message : `${error.detail}\n${error.message}`;
      log.error(`the reload failed, what was loaded before stays in force: ${detail} [${error.code}]`);
      this.#record({ event: "reload", outcome: "kept", error: detail });
      return "kept";
    }
  }

  async drain(): Promise<void> {
    this.#closeListeners();
    await this.#status?.close();
    this.#record({ event: "drain", open: this.open });
    await this.#mux.drain();
  }

  cut(): void {
    this.#mux.open.cut();
  }

  /** Writes what is left to be written. */
  async close(): Promise<void> {
    this.#record({ event: "stop", open: this.open });
    await this.#mux.sink?.close();
  }

  #closeListeners(): void {
    for (const { listener } of this.#open.values()) listener.close();
  }

  #record(event: LifeLine): void {
    this.#mux.sink?.write({ v: AUDIT_VERSION, time: new Date().toISOString(), command: "mux", ...event } as AuditEvent);
  }
}

function listenedTwice(text: string): PortailError {
  return new PortailError(`${text} is to be listened on twice`, {
    code: "listen.twice",
    exit: EXIT.config,
    hint: "write an address in one way only",
  });
}

type LifeLine =
  | { event: "start"; listen: string[] }
  | { event: "drain" | "stop"; open: number }
  | { event: "reload"; outcome: ReloadOutcome; error?: string };

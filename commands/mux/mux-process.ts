/** A running multiplexer: its listeners, status and metrics; routes are reloaded together, without a connection that notices. */
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import type { Identity } from "../../lib/identity/identity.ts";
import { formatAddress, type SocketAddress } from "../../lib/net/conn.ts";
import { Deadlines } from "../../lib/net/deadlines.ts";
import { formatEndpoint } from "../../lib/net/endpoint.ts";
import { openListener, type Listener } from "../../lib/net/listen.ts";
import { ownListeners } from "../../lib/net/own-listeners.ts";
import { recordLife } from "../../lib/service/life-record.ts";
import { reloadOrKeep, type Daemon, type Life, type ReloadOutcome } from "../../lib/service/life.ts";
import { Registry } from "../../lib/service/metrics.ts";
import { addProcessMetrics } from "../../lib/service/process-metrics.ts";
import type { StatusListener } from "../../lib/service/status.ts";
import type { OpenConnection } from "../../lib/status/connections.ts";
import type { NamedIdentity } from "../../lib/status/status-page.ts";
import type { LoadedPlace } from "./load.ts";
import type { Mux } from "./mux.ts";
import type { Route } from "./route.ts";
import type { RouteTable } from "./routes/table.ts";
import { PassingLane, type LaneListener } from "./passing-lane.ts";
import { TargetChecks } from "./target-checks.ts";

/** A listener with the routes that are in force there. */
interface Open {
  listener: Listener | LaneListener;
  routes: Routes;
}

/** Changed by a reload, for the connections that come after it. */
interface Routes {
  table: RouteTable<Route>;
}

/** What was read, as a whole. */
interface LoadedMux {
  places: readonly LoadedPlace[];
  /** That of the flags. */
  identity: Identity | undefined;
}

export class MuxProcess implements Daemon {
  readonly #runtime: Runtime;
  readonly #mux: Mux;
  /** Reads configuration and files anew. Throws `PortailError`. */
  readonly #load: () => Promise<LoadedMux>;
  readonly #checks: TargetChecks;
  readonly #lane: PassingLane;
  #open = new Map<string, Open>();
  #status: StatusListener | undefined;
  /** For the status. */
  #identity: Identity | undefined;
  #routes: readonly Route[] = [];

  constructor(runtime: Runtime, mux: Mux, load: () => Promise<LoadedMux>) {
    this.#runtime = runtime;
    this.#mux = mux;
    this.#load = load;
    this.#lane = new PassingLane(mux);
    const { settings, targetTools, log } = mux;
    const { connectTimeout, keepAlive } = settings;
    const deadlines = new Deadlines(connectTimeout);
    this.#checks = new TargetChecks({ targetTools, deadlines, timeout: connectTimeout, keepAlive, log });
  }

  get open(): number {
    return this.#mux.open.size + this.#mux.carried();
  }

  get summary(): string {
    return `listening on ${this.#addresses.map(formatAddress).join(", ")}`;
  }

  get #addresses(): SocketAddress[] {
    return Array.from(this.#open.values(), ({ listener }) => listener.address);
  }

  /** Opens all listeners, that of the status included, or none. */
  async start(life: Life): Promise<this> {
    const loaded = await this.#load();
    try {
      await this.#take(loaded);
      await this.#openStatus(life);
    } catch (error) {
      this.#closeListeners();
      this.#checks.stop();
      await this.#lane.end();
      throw error;
    }
    this.#guard();
    const { log } = this.#runtime;
    log.info(this.summary);
    if (this.#status !== undefined) log.info(`status on ${formatAddress(this.#status.address)}`);
    recordLife(this.#mux.sink, "mux", { event: "start", listen: this.#addresses.map(formatAddress) });
    return this;
  }

  /** Puts places in force: listeners that stay are not touched, new ones open first, others close last. Resolves when all are. */
  async #take({ places, identity }: LoadedMux): Promise<void> {
    const next = new Map<string, Open>();
    const opened: Listener[] = [];
    try {
      for (const place of places) {
        const text = formatEndpoint(place.endpoint);
        let open = this.#open.get(text);
        if (open === undefined) {
          const routes = { table: place.table };
          open = { listener: await this.#listen(place, routes), routes };
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
    const leading: Promise<void>[] = [];
    for (const place of places) {
      const { listener, routes } = next.get(formatEndpoint(place.endpoint))!;
      routes.table = place.table;
      if ("lead" in listener) leading.push(listener.lead(place));
    }
    this.#identity = identity;
    this.#routes = places.flatMap(({ routes }) => routes);
    const gone = [...this.#open].filter(([text]) => !next.has(text));
    this.#open = next;
    const closing = gone.map(([, { listener }]) => listener.close());
    this.#checks.take(new Set(this.#routes));
    await Promise.all([...leading, ...closing]);
  }

  async #listen(place: LoadedPlace, routes: Routes): Promise<Listener | LaneListener> {
    const { keepAlive } = this.#mux.settings;
    const table = () => routes.table;
    const listener = await openListener(place.endpoint, this.#runtime.env, {
      keepAlive,
      reusePort: true,
      accept: (conn) => this.#mux.accept(conn, table),
    });
    return this.#lane.take(listener, place, table) ?? listener;
  }

  async #openStatus(life: Life): Promise<void> {
    const { status } = this.#mux.settings;
    if (status === undefined) return;
    // Loaded when it is wanted: node:http is memory that most do without.
    const { openDaemonStatus } = await import("../../lib/service/daemon-status.ts");
    const registry = new Registry("portail");
    addProcessMetrics(registry, life, { command: "mux", version: this.#runtime.version });
    this.#mux.metrics.register(registry);
    this.#checks.register(registry);
    const { deadlines, keepAlive } = this.#mux;
    this.#status = await openDaemonStatus(this.#runtime, status, {
      command: "mux",
      life,
      registry,
      listen: this.#addresses.map(formatAddress),
      more: () => this.#checks.page,
      tls: { identity: () => this.#identity, deadlines, keepAlive },
      identities: () => this.#identities(),
      connections: () => ({ total: this.open, [Symbol.iterator]: () => this.#connections() }),
      reusePort: true,
    });
  }

  *#connections(): Generator<OpenConnection> {
    yield* this.#mux.open;
    yield* this.#lane.sessions;
  }

  *#identities(): Iterable<NamedIdentity> {
    yield ["default", this.#identity];
    for (const { name, files } of this.#routes) {
      yield [`route ${name}, to clients`, files.front?.identity];
      yield [`route ${name}, to targets`, files.back?.identity];
    }
  }

  #guard(): void {
    const own = this.#status === undefined ? this.#addresses : [...this.#addresses, this.#status.address];
    this.#mux.guard = { ...ownListeners(own), resolvedBy: "us" };
  }

  /** All or nothing: what cannot be read leaves every route as it was. */
  async reload(): Promise<ReloadOutcome> {
    const reloaded = await reloadOrKeep(this.#runtime.log, "routes, certificates, trust and policies", async () => {
      await this.#take(await this.#load());
      this.#guard();
      this.#mux.sink?.reopen();
    });
    recordLife(this.#mux.sink, "mux", { event: "reload", ...reloaded });
    return reloaded.outcome;
  }

  async drain(): Promise<void> {
    this.#closeListeners();
    this.#checks.stop();
    await this.#status?.close();
    recordLife(this.#mux.sink, "mux", { event: "drain", open: this.open });
    const { emptied } = await this.#lane.drain();
    await Promise.all([this.#mux.drain(), emptied]);
  }

  cut(): void {
    this.#mux.open.cut();
    this.#lane.cut();
  }

  /** Writes what is left to be written. */
  async close(): Promise<void> {
    recordLife(this.#mux.sink, "mux", { event: "stop", open: this.open });
    await this.#lane.end();
    await this.#mux.sink?.close();
  }

  #closeListeners(): void {
    for (const { listener } of this.#open.values()) listener.close();
  }
}

function listenedTwice(text: string): PortailError {
  return new PortailError(`${text} is to be listened on twice`, {
    code: "listen.twice",
    exit: EXIT.config,
    hint: "write an address in one way only",
  });
}

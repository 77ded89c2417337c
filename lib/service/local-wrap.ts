/** Connections of this machine in the clear, each wrapped in TLS on its way to one server. Reads no file, and asks no policy. */
import type { Logger } from "../command/log.ts";
import { formatAddress, type Conn, type SocketAddress } from "../net/conn.ts";
import { Deadlines } from "../net/deadlines.ts";
import { Dialer } from "../net/dial.ts";
import type { Environment } from "../net/listen.ts";
import { Listeners } from "../net/listeners.ts";
import { Relay, type RelayResult } from "../net/relay.ts";
import { openResolver } from "../net/resolve.ts";
import { Target } from "../net/target.ts";
import { tlsFailure } from "../net/tls-failure.ts";
import { SessionCache, type HandshakeOptions } from "../net/tls-conn.ts";
import { openUpstream, Unreached, type OutboundSide, type Reached, type SecuredWay } from "../net/upstream.ts";
import type { Described, OpenConnection } from "../status/connections.ts";
import type { OpenConnections } from "../status/status-page.ts";
import { parseIp } from "../wire/ip.ts";
import { OpenSet } from "./open-set.ts";
import { reloadOrKeep, type Daemon, type Reloaded, type ReloadOutcome } from "./life.ts";
import type { WrapFiles, WrapSettings } from "./wrap-settings.ts";
import { Descriptors, WaitingRoom } from "./waiting-room.ts";

interface WrapTools {
  log: Logger;
  /** For sockets of the service manager. */
  env: Environment;
  /** Reads the files of `settings`. Throws `PortailError`. */
  load(): Promise<WrapFiles>;
  /** Words that help whoever reads of a server that was not reached. */
  hint(unreached: Unreached): string | undefined;
}

/** How a connection went, from its acceptance to its end. */
export interface Carried {
  client: SocketAddress;
  end: RelayResult | Unreached;
  /** Undefined where the server was not reached. */
  reached: Reached | undefined;
  /** Milliseconds. */
  duration: number;
}

/** Opened without listeners: `listen` opens those. */
export async function openLocalWrap(settings: WrapSettings, tools: WrapTools): Promise<LocalWrap> {
  const { connectTimeout, keepAlive, resolvers, dnsTimeout } = settings;
  const dialer = new Dialer(connectTimeout, keepAlive);
  const targetTools = { dialer, resolve: await openResolver(resolvers, dnsTimeout) };
  const { proxy } = settings;
  const proxyTarget =
    proxy === undefined ? undefined : new Target({ kind: "tcp", host: proxy.host, port: proxy.port }, targetTools);
  return new LocalWrap(settings, tools, await tools.load(), new Target(settings.target, targetTools), proxyTarget);
}

export class LocalWrap implements Daemon, SecuredWay {
  readonly settings: WrapSettings;
  readonly proxy: OutboundSide | undefined;
  readonly deadlines: Deadlines;
  /** Told of each connection that is over. */
  carried: (carried: Carried) => void = () => {};
  readonly #tools: WrapTools;
  readonly #target: Target;
  readonly #room: WaitingRoom;
  readonly #listeners = new Listeners();
  readonly #open = new OpenSet<Session>();
  #files: WrapFiles;
  /** Of `#files.context`: sessions that other trust has verified are not resumed. */
  #sessions = new SessionCache();

  constructor(
    settings: WrapSettings,
    tools: WrapTools,
    files: WrapFiles,
    target: Target,
    proxyTarget: Target | undefined,
  ) {
    this.settings = settings;
    this.#tools = tools;
    this.#target = target;
    this.deadlines = new Deadlines(settings.connectTimeout);
    this.#files = files;
    // Of a session; behind a proxy TLS may begin with bytes that were read already, which takes a pair more.
    this.#room = new WaitingRoom(settings.most, new Descriptors(), proxyTarget === undefined ? 2 : 4);
    const { proxy: url } = settings;
    this.proxy =
      url === undefined || proxyTarget === undefined
        ? undefined
        : { url, target: proxyTarget, handshakeOptions: () => this.#proxyOptions(url.host) };
  }

  get trust(): WrapFiles["trust"] {
    return this.#files.trust;
  }

  /** What the server is shown. */
  get identity(): WrapFiles["identity"] {
    return this.#files.identity;
  }

  get targetText(): string {
    return this.#target.text;
  }

  get open(): number {
    return this.#open.size;
  }

  get connections(): OpenConnections {
    return { total: this.#open.size, [Symbol.iterator]: () => this.#open[Symbol.iterator]() };
  }

  get places(): readonly SocketAddress[] {
    return this.#listeners.addresses;
  }

  get summary(): string {
    const way = this.proxy === undefined ? "" : ` through ${this.proxy.url.toString()}`;
    return `listening on ${this.places.map(formatAddress).join(", ")}, for ${this.#target.text}${way}`;
  }

  /** Opens all listeners, or none. Throws `PortailError` (`listen.*`). */
  async listen(endpoints = this.settings.listen): Promise<void> {
    const { keepAlive } = this.settings;
    try {
      for (const endpoint of endpoints)
        await this.#listeners.open(endpoint, this.#tools.env, { keepAlive, accept: (conn) => this.#accept(conn) });
    } catch (error) {
      this.#listeners.close();
      throw error;
    }
  }

  #accept(conn: Conn): void {
    const { log } = this.#tools;
    if (this.#room.enter(conn, () => void this.#serve(conn))) return;
    conn.destroy();
    if (this.#room.mayComplain()) log.error("error accepting connection: too many open files", { open: this.open });
  }

  async #serve(conn: Conn): Promise<void> {
    const end = await this.carry(conn);
    if (end instanceof Unreached) this.complain(end);
    this.#room.leave();
  }

  /** Says why the server was not reached, or no longer is. */
  complain(unreached: Unreached): void {
    const { log, hint } = this.#tools;
    const help = hint(unreached);
    const { reason, message } = unreached;
    log.warn(`cannot reach ${this.#target.text}: ${message}`, { reason, ...(help !== undefined && { hint: help }) });
  }

  /** Carries a connection to its end; answers how it ended, or why the server was not reached. */
  async carry(conn: Conn): Promise<RelayResult | Unreached> {
    const session = new Session(this, this.#target, this.#tools.log, conn);
    const client = conn.remote;
    const began = performance.now();
    this.#open.enter(session);
    try {
      const end = await session.run();
      this.carried({ client, end, reached: session.reached, duration: performance.now() - began });
      return end;
    } finally {
      this.#open.leave(session);
    }
  }

  /** What is wrong with the server, if anything: it is connected as for a client. */
  async probe(): Promise<string | undefined> {
    const reached = await openUpstream(this, this.#target);
    if (reached instanceof Unreached) return reached.message;
    reached.conn.end();
    reached.conn.destroy();
    return undefined;
  }

  handshakeOptions(_target: Target, serverName: string): HandshakeOptions {
    const { rules, protocolIds, keepAlive } = this.settings;
    return {
      context: this.#files.context,
      requestCert: true,
      verify: rules?.pinned !== true,
      protocolIds,
      serverName: parseIp(serverName) === undefined ? serverName : undefined,
      sessions: this.#sessions,
      deadlines: this.deadlines,
      keepAlive,
    };
  }

  #proxyOptions(host: string): HandshakeOptions {
    const { deadlines, settings } = this;
    return {
      context: this.#files.proxyContext!,
      requestCert: true,
      verify: true,
      protocolIds: [],
      serverName: parseIp(host) === undefined ? host : undefined,
      deadlines,
      keepAlive: settings.keepAlive,
    };
  }

  async reload(): Promise<ReloadOutcome> {
    return (await this.takeFiles(() => {})).outcome;
  }

  /** The same with what else there is to take, which may throw as well. */
  takeFiles(more: () => void): Promise<Reloaded> {
    const { log, load } = this.#tools;
    return reloadOrKeep(log, "certificate and trust", async () => {
      const files = await load();
      more();
      this.#files = files;
      this.#sessions = new SessionCache();
    });
  }

  /** Accepts nothing more, ends what has not come to relay, and resolves when all else has ended. */
  drain(): Promise<void> {
    this.#listeners.close();
    this.#room.close();
    for (const session of this.#open) if (!session.relaying) session.cut();
    return this.#open.emptied();
  }

  cut(): void {
    this.#open.cut();
  }
}

const NOTHING = { bytes: new Uint8Array(0), ended: false };

/** One connection, from its acceptance to its end. */
class Session implements OpenConnection {
  readonly started = performance.now();
  readonly #wrap: LocalWrap;
  readonly #target: Target;
  readonly #log: Logger;
  readonly #client: Conn;
  /** Asked now: a closed socket no longer knows. */
  readonly #from: SocketAddress;
  /** Once it is. */
  reached: Reached | undefined;
  #relay: Relay | undefined;
  #cut = false;
  #settle: (stopped: Unreached) => void = () => {};

  constructor(wrap: LocalWrap, target: Target, log: Logger, client: Conn) {
    this.#wrap = wrap;
    this.#target = target;
    this.#log = log;
    this.#client = client;
    this.#from = client.remote;
  }

  get sent(): number {
    return this.reached?.conn.sent ?? 0;
  }

  get received(): number {
    return this.reached?.conn.received ?? 0;
  }

  describe(): Described {
    return {
      who: "",
      client: formatAddress(this.#from),
      target: this.#target.text,
      route: this.#wrap.proxy === undefined ? "" : `through ${this.#wrap.proxy.url.host}`,
      state: this.relaying ? "open" : "dialling",
    };
  }

  /** Whether both sides are connected. */
  get relaying(): boolean {
    return this.#relay !== undefined;
  }

  async run(): Promise<RelayResult | Unreached> {
    const end = await new Promise<RelayResult | Unreached>((resolve, reject) => {
      this.#settle = resolve;
      this.#lead().then(resolve, reject);
    });
    if (end instanceof Unreached) this.#client.destroy();
    return end;
  }

  /** Ends it at once, whatever it waits for: what comes of that later is dropped. */
  cut(): void {
    this.#cut = true;
    if (this.#relay !== undefined) this.#relay.cut();
    else this.#settle(new Unreached("cut", "it is being stopped"));
  }

  async #lead(): Promise<RelayResult | Unreached> {
    const reached = await openUpstream(this.#wrap, this.#target);
    if (reached instanceof Unreached) return reached;
    const { conn: server } = reached;
    if (this.#cut || this.#client.closed) {
      server.destroy();
      return new Unreached("client_gone", "the client left before the server was reached");
    }
    this.reached = reached;
    const fields = { client: formatAddress(this.#client.remote), name: reached.serverName };
    const protocolId = server.tls?.protocolId;
    this.#log.info(`connected to ${this.#target.text}`, { ...fields, ...(protocolId !== undefined && { protocolId }) });
    const result = await new Promise<RelayResult>((relayEnded) => {
      this.#relay = new Relay(this.#client, server, this.#wrap.settings.relayLimits, NOTHING, { relayEnded });
    });
    const { by, error } = result;
    if (error !== undefined && !isOrderly(error)) this.#wrap.complain(brokenOff(error));
    this.#log.info(`closed the connection to ${this.#target.text}`, {
      ...fields,
      by,
      sent: server.sent,
      received: server.received,
    });
    return result;
  }
}

/** With TLS 1.3 a server judges its client after the client has seen it: its refusal comes in place of its first bytes. */
function brokenOff(error: Error): Unreached {
  if (!error.message.includes("SSL routines")) return new Unreached("broken_off", error.message);
  const { message } = tlsFailure(error);
  return new Unreached("tls_alert", message);
}

/** A reset or a closed pipe is how many programs end: nothing is wrong. */
function isOrderly(error: Error): boolean {
  const { code } = error as { code?: string };
  return code === "ECONNRESET" || code === "EPIPE";
}

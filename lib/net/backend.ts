/** A backend: a place through which connections go out to targets that it reaches by itself. Chooses none, and decides nothing. */
import type { ProxyTarget } from "../session/outbound-proxy.ts";
import type { Refusal } from "../session/front.ts";
import { parseIp } from "../wire/ip.ts";
import { parseBackendUrl, type BackendUrl, type Http2Use } from "./backend-url.ts";
import { Circuit } from "./circuit.ts";
import type { Conn } from "./conn.ts";
import { Deadlines } from "./deadlines.ts";
import { DialError, type Dialer } from "./dial.ts";
import { formatHostPort } from "./endpoint.ts";
import type { Finding, Health } from "./health.ts";
import type { Http2Pool, PoolWay } from "./http2-pool.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { secureHost } from "./secure-host.ts";
import type { SshMaster } from "./ssh.ts";
import type { SshUrl } from "./ssh-process.ts";
import { Target, type TargetTools } from "./target.ts";
import { ProxyError, throughProxy, type OutboundProxy } from "./through-proxy.ts";
import { SessionCache } from "./tls-conn.ts";
import type { TlsContext } from "./tls-context.ts";
import { unread } from "./unread.ts";

/** Why a backend did not lead to the target: a value, to be told to the client where no other does. */
export class BackendFailure {
  readonly refusal: Refusal;
  /** For log and audit. */
  readonly message: string;
  /** What it is about: the backend whatever the target, the target alone, or neither of them. */
  readonly about: "backend" | "target" | "nothing";

  constructor(refusal: Refusal, message: string, about: BackendFailure["about"]) {
    this.refusal = refusal;
    this.message = message;
    this.about = about;
  }

  /** Its own policy said no: no other backend is asked. */
  get final(): boolean {
    return this.refusal === "denied";
  }
}

export interface BackendTools extends TargetTools {
  /** What programs that are started are given of. */
  env: Readonly<Record<string, string | undefined>>;
  keepAlive: KeepAlive;
  /** Milliseconds for each step of an attempt: the connection, TLS, the dialogue. */
  timeout: number;
  /** Dials for checks, which nobody measures. */
  checkDialer: Dialer;
}

export class Backend {
  readonly name: string;
  readonly dynamic: boolean;
  /** The name that its certificate must carry; undefined is its host. */
  serverName: string | undefined;
  /** What it is shown and held against; set by whoever reads the files, where it speaks TLS. */
  context: TlsContext | undefined;
  readonly counts = { attempts: 0, opened: 0, failed: 0 };
  /** What its checks say; undefined where it is not checked. */
  health: Health | undefined;
  readonly #tools: BackendTools;
  readonly #deadlines: Deadlines;
  readonly #circuit = new Circuit();
  #url: BackendUrl | undefined;
  #place: Target | undefined;
  /** The same for checks, which share neither what requests have found out nor their sessions. */
  #checkPlace: Target | undefined;
  #sessions: { of: TlsContext; cache: SessionCache } | undefined;
  #ssh: SshMaster | undefined;
  #pool: Http2Pool | undefined;
  /** As long as nothing of what it was made of changes. */
  #way: { url: BackendUrl; context: TlsContext | undefined; way: PoolWay } | undefined;

  constructor(
    name: string,
    url: BackendUrl | undefined,
    options: { dynamic: boolean; serverName?: string | undefined },
    tools: BackendTools,
  ) {
    this.name = name;
    this.dynamic = options.dynamic;
    this.serverName = options.serverName;
    this.#tools = tools;
    this.#deadlines = new Deadlines(tools.timeout);
    this.lead(url);
  }

  /** Leads it to another place, from the next connection on. */
  lead(url: BackendUrl | undefined): void {
    this.#url = url;
    const proxy = proxyOf(url, "http");
    const endpoint = proxy && ({ kind: "tcp", host: proxy.host, port: proxy.port } as const);
    this.#place = endpoint && new Target(endpoint, this.#tools);
    this.#checkPlace = endpoint && new Target(endpoint, { ...this.#tools, dialer: this.#tools.checkDialer });
  }

  /** Leads a dynamic one to `target` (`IP:PORT`), a proxy that is spoken to as clients speak to us. */
  update({ target, tls, serverName }: { target: string; tls: boolean; serverName: string | undefined }): void {
    const before = [this.target, this.tls, this.serverName];
    this.serverName = serverName;
    this.lead(parseBackendUrl(`${tls ? "same+tls" : "same"}://${target}`, this.name));
    if ([this.target, this.tls, this.serverName].some((value, i) => value !== before[i])) this.health?.restart();
  }

  get isDirect(): boolean {
    return this.#url?.kind === "direct";
  }

  /** `host:port`, or what SSH is to connect to; undefined of one that leads nowhere. */
  get target(): string | undefined {
    if (this.#url?.kind === "ssh")
      return `ssh://${this.#url.destination}${this.#url.port === undefined ? "" : `:${this.#url.port}`}`;
    const proxy = proxyOf(this.#url, "http");
    return proxy && formatHostPort(proxy.host, proxy.port);
  }

  get tls(): boolean {
    return proxyOf(this.#url, "http")?.tls ?? false;
  }

  /** Whether requests are sent there. */
  get isUsed(): boolean {
    return !this.isOpenCircuit && this.health?.trouble === undefined;
  }

  /** Whether it failed so often of late that it is left alone for a while. */
  get isOpenCircuit(): boolean {
    return this.#circuit.isOpen(performance.now());
  }

  /** Its checks say that it works again: what failed before is no reason to leave it alone. */
  recovered(): void {
    this.#circuit.succeeded();
  }

  /** Has it connect to `target`, which is passed on unresolved; `protocol` is what the client speaks. */
  async open(target: ProxyTarget, protocol: "socks5" | "http"): Promise<Conn | BackendFailure> {
    const down = this.health?.trouble;
    if (down !== undefined) return new BackendFailure("failed", `it is down by its checks: ${down}`, "nothing");
    if (!this.#circuit.enter(performance.now()))
      return new BackendFailure("failed", "it failed of late and is left alone for a while", "nothing");
    this.counts.attempts++;
    const opened = await this.#open(target, protocol, false);
    const failed = opened instanceof BackendFailure;
    if (failed) this.counts.failed++;
    else this.counts.opened++;
    if (!failed || opened.about === "target") this.#circuit.succeeded();
    else if (opened.about === "backend") this.#circuit.failed(performance.now());
    else this.#circuit.abandoned();
    return opened;
  }

  /** Looks whether it leads to `target`, or only whether it can be connected. Counts as no attempt, and changes nothing. */
  async probe(target: ProxyTarget | undefined): Promise<Finding> {
    const opened = target === undefined ? await this.#reach() : await this.#open(target, "socks5", true);
    if (opened === undefined) return "works";
    if (opened instanceof BackendFailure) return opened.about === "nothing" ? "unknown" : { trouble: opened.message };
    opened.destroy();
    return "works";
  }

  /** Ends what it keeps open for all connections together. */
  close(): void {
    this.#ssh?.close();
    this.#ssh = undefined;
    this.#pool?.close();
    this.#pool = undefined;
  }

  /** Of what it shares between connections over HTTP/2. */
  get http2(): { connections: number; tunnels: number } {
    return this.#pool ?? { connections: 0, tunnels: 0 };
  }

  async #open(target: ProxyTarget, protocol: "socks5" | "http", check: boolean): Promise<Conn | BackendFailure> {
    if (this.#url?.kind === "ssh") return this.#openBySsh(this.#url, target);
    if (this.#url?.kind === "proxy" && this.#url.http2 !== undefined) return this.#openByHttp2(target, check);
    const proxy = proxyOf(this.#url, protocol);
    if (proxy === undefined) return NOWHERE;
    const conn = await this.#connect(proxy, check);
    return conn instanceof BackendFailure ? conn : this.#openOn(conn, proxy, target);
  }

  /** A check has a connection of its own, so that it says whether one can be made. */
  async #openByHttp2(target: ProxyTarget, check: boolean): Promise<Conn | BackendFailure> {
    const { Http2Pool } = await import("./http2-pool.ts");
    const { timeout, keepAlive } = this.#tools;
    const open = () => new Http2Pool({ answer: timeout, silence: keepAlive.seconds * 1000 });
    const pool = check ? open() : (this.#pool ??= open());
    // Only now: it may have been led elsewhere meanwhile.
    const url = this.#url;
    if (url?.kind !== "proxy" || url.http2 === undefined) return this.#open(target, "http", check);
    const way = check ? this.#wayBy(url.proxy, url.http2, true) : this.#wayOf(url, url.proxy, url.http2);
    const opened = await pool.open(way, target);
    if (check) pool.retire();
    switch (opened.kind) {
      case "open":
        return opened.conn;
      case "http1":
        return this.#openOn(opened.conn, way.proxy, target);
      case "refused":
        return failureOf(opened.error);
      case "unreachable": {
        const { failure, joined } = opened;
        return new BackendFailure("failed", failure.message, joined ? "nothing" : failure.about);
      }
      case "busy":
        return new BackendFailure(
          "limit",
          `${String(way.proxy)} is busy: its connections take no more tunnels`,
          "nothing",
        );
    }
  }

  #wayOf(url: BackendUrl, proxy: OutboundProxy, use: Http2Use): PoolWay {
    const { context } = this;
    if (this.#way?.url !== url || this.#way.context !== context)
      this.#way = { url, context, way: this.#wayBy(proxy, use, false) };
    return this.#way.way;
  }

  #wayBy(proxy: OutboundProxy, { http1, most }: Http2Use, check: boolean): PoolWay {
    const protocolIds = http1 ? ["h2", "http/1.1"] : ["h2"];
    const place = this.#placeFor(check);
    return { proxy, most, prior: !proxy.tls, http1, connect: () => this.#connect(proxy, check, protocolIds, place) };
  }

  /** By a connection of its own, over HTTP/1.1 or SOCKS5. */
  async #openOn(conn: Conn, proxy: OutboundProxy, target: ProxyTarget): Promise<Conn | BackendFailure> {
    try {
      const open = await throughProxy(conn, proxy, target, this.#deadlines);
      unread(open.conn, open.early);
      return open.conn;
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      return failureOf(error);
    }
  }

  /** A check that asks for no target: undefined where SSH stands, which has nothing to close. */
  async #reach(): Promise<Conn | BackendFailure | undefined> {
    if (this.#url?.kind === "ssh") {
      const trouble = await (await this.#master(this.#url)).check();
      return trouble === undefined ? undefined : broken(trouble);
    }
    const proxy = proxyOf(this.#url, "socks5");
    return proxy === undefined ? NOWHERE : this.#connect(proxy, true);
  }

  #placeFor(check: boolean): Target {
    return (check ? this.#checkPlace : this.#place)!;
  }

  async #connect(
    proxy: OutboundProxy,
    check: boolean,
    protocolIds: readonly string[] = proxy.protocol === "http" ? ["http/1.1"] : [],
    place = this.#placeFor(check),
  ): Promise<Conn | BackendFailure> {
    const dialled = await place.open();
    if (!(dialled instanceof DialError)) return proxy.tls ? this.#secure(dialled, proxy, check, protocolIds) : dialled;
    const message = `cannot connect to ${String(proxy)}: ${dialled.message}`;
    // Of descriptors: that is our own shortage.
    return dialled.kind === "exhausted" ? new BackendFailure("failed", message, "nothing") : broken(message);
  }

  async #secure(
    dialled: Conn,
    proxy: OutboundProxy,
    check: boolean,
    protocolIds: readonly string[],
  ): Promise<Conn | BackendFailure> {
    const context = this.context!;
    // Other trust, other sessions.
    if (this.#sessions?.of !== context) this.#sessions = { of: context, cache: new SessionCache() };
    const name = this.serverName ?? proxy.host;
    const secured = await secureHost(dialled, name, {
      context,
      requestCert: true,
      verify: true,
      protocolIds,
      serverName: parseIp(name) === undefined ? name : undefined,
      // A ticket is good for one connection: a check would take it from a request.
      sessions: check ? undefined : this.#sessions.cache,
      deadlines: this.#deadlines,
      keepAlive: this.#tools.keepAlive,
    });
    if (!("reason" in secured)) return secured;
    return broken(`no TLS with ${String(proxy)}: ${secured.message} (${secured.reason})`);
  }

  async #master(url: SshUrl): Promise<SshMaster> {
    const { openSshMaster } = await import("./ssh.ts");
    return (this.#ssh ??= openSshMaster(url, this.#tools));
  }

  async #openBySsh(url: SshUrl, target: ProxyTarget): Promise<Conn | BackendFailure> {
    const opened = await (await this.#master(url)).open(target);
    if (!("reason" in opened)) return opened;
    const { reason, message } = opened;
    return reason === "broken" ? broken(message) : new BackendFailure(reason, message, "target");
  }
}

const NOWHERE = new BackendFailure("failed", "it leads nowhere yet", "nothing");

/** It does not work, whatever the target. */
function broken(message: string): BackendFailure {
  return new BackendFailure("failed", message, "backend");
}

/** What it says of the target is no fault of its own. */
function failureOf({ code, message }: ProxyError): BackendFailure {
  const refusal = OF_TARGETS[code];
  return refusal === undefined ? broken(message) : new BackendFailure(refusal, message, "target");
}

const OF_TARGETS: Partial<Record<ProxyError["code"], Refusal>> = {
  proxy_denied: "denied",
  proxy_refused: "refused",
  proxy_host_unreachable: "host_unreachable",
  proxy_network_unreachable: "network_unreachable",
  proxy_timeout: "connect_timeout",
  proxy_failed: "failed",
};

function proxyOf(url: BackendUrl | undefined, protocol: "socks5" | "http"): OutboundProxy | undefined {
  if (url?.kind === "proxy") return url.proxy;
  return url?.kind === "same" ? url[protocol] : undefined;
}

/** A backend: a place through which connections go out to targets that it reaches by itself. Chooses none, and decides nothing. */
import type { ProxyTarget } from "../session/outbound-proxy.ts";
import type { Refusal } from "../session/front.ts";
import { parseIp } from "../wire/ip.ts";
import { parseBackendUrl, type BackendUrl, type Http2Use } from "./backend-url.ts";
import { Circuit } from "./circuit.ts";
import type { Conn } from "./conn.ts";
import { Deadlines } from "./deadlines.ts";
import { DialError } from "./dial.ts";
import { formatHostPort } from "./endpoint.ts";
import type { Http2Pool, PoolWay } from "./http2-pool.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { secureHost } from "./secure-host.ts";
import type { SshMaster } from "./ssh.ts";
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
  /** Its own policy said no: no other backend is asked. */
  readonly final: boolean;

  constructor(refusal: Refusal, message: string, final = false) {
    this.refusal = refusal;
    this.message = message;
    this.final = final;
  }
}

export interface BackendTools extends TargetTools {
  /** What programs that are started are given of. */
  env: Readonly<Record<string, string | undefined>>;
  keepAlive: KeepAlive;
  /** Milliseconds for each step of an attempt: the connection, TLS, the dialogue. */
  timeout: number;
}

export class Backend {
  readonly name: string;
  readonly dynamic: boolean;
  /** The name that its certificate must carry; undefined is its host. */
  serverName: string | undefined;
  /** What it is shown and held against; set by whoever reads the files, where it speaks TLS. */
  context: TlsContext | undefined;
  readonly counts = { attempts: 0, opened: 0, failed: 0 };
  readonly #tools: BackendTools;
  readonly #deadlines: Deadlines;
  readonly #circuit = new Circuit();
  #url: BackendUrl | undefined;
  #place: Target | undefined;
  #sessions: { of: TlsContext; cache: SessionCache } | undefined;
  #ssh: SshMaster | undefined;
  #pool: Http2Pool | undefined;
  /** As long as nothing of what it was made of changes. */
  #way: (PoolWay & { url: BackendUrl | undefined; context: TlsContext | undefined }) | undefined;

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
  }

  /** Leads a dynamic one to `target` (`IP:PORT`), a proxy that is spoken to as clients speak to us. */
  update({ target, tls, serverName }: { target: string; tls: boolean; serverName: string | undefined }): void {
    this.serverName = serverName;
    this.lead(parseBackendUrl(`${tls ? "same+tls" : "same"}://${target}`, this.name));
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

  /** Whether it failed so often of late that it is left alone for a while. */
  get isOpenCircuit(): boolean {
    return this.#circuit.isOpen(performance.now());
  }

  /** Has it connect to `target`, which is passed on unresolved; `protocol` is what the client speaks. */
  async open(target: ProxyTarget, protocol: "socks5" | "http"): Promise<Conn | BackendFailure> {
    if (!this.#circuit.enter(performance.now()))
      return new BackendFailure("failed", "it failed of late and is left alone for a while");
    this.counts.attempts++;
    const opened = await this.#open(target, protocol);
    if (opened instanceof BackendFailure) this.counts.failed++;
    else this.counts.opened++;
    return opened;
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

  async #open(target: ProxyTarget, protocol: "socks5" | "http"): Promise<Conn | BackendFailure> {
    if (this.#url?.kind === "ssh") return this.#openBySsh(this.#url, target);
    const proxy = proxyOf(this.#url, protocol);
    if (proxy === undefined || this.#place === undefined) {
      this.#circuit.abandoned();
      return new BackendFailure("failed", "it leads nowhere yet");
    }
    const http2 = this.#url?.kind === "proxy" ? this.#url.http2 : undefined;
    if (http2 !== undefined) {
      if (this.#pool !== undefined) return this.#openByHttp2(this.#pool, proxy, http2, target);
      await this.#openPool();
      // It may lead elsewhere by now.
      return this.#open(target, protocol);
    }
    const conn = await this.#connect(this.#place, proxy, proxy.protocol === "http" ? ["http/1.1"] : []);
    return typeof conn === "string" ? this.#broken(conn) : this.#openOn(conn, proxy, target);
  }

  async #openPool(): Promise<void> {
    const { Http2Pool } = await import("./http2-pool.ts");
    const { timeout, keepAlive } = this.#tools;
    this.#pool ??= new Http2Pool({ answer: timeout, silence: keepAlive.seconds * 1000 });
  }

  async #openByHttp2(
    pool: Http2Pool,
    proxy: OutboundProxy,
    use: Http2Use,
    target: ProxyTarget,
  ): Promise<Conn | BackendFailure> {
    const opened = await pool.open(this.#wayBy(proxy, use), target);
    switch (opened.kind) {
      case "open":
        this.#circuit.succeeded();
        return opened.conn;
      case "http1":
        return this.#openOn(opened.conn, proxy, target);
      case "refused":
        return this.#refused(opened.error);
      case "unreachable":
        if (!opened.joined) return this.#broken(opened.message);
        this.#circuit.abandoned();
        return new BackendFailure("failed", opened.message);
      case "busy":
        this.#circuit.abandoned();
        return new BackendFailure("limit", `${String(proxy)} is busy: its connections take no more tunnels`);
    }
  }

  #wayBy(proxy: OutboundProxy, { http1, most }: Http2Use): PoolWay {
    const { context } = this;
    const url = this.#url;
    const place = this.#place!;
    if (this.#way === undefined || this.#way.url !== url || this.#way.context !== context) {
      const protocolIds = http1 ? ["h2", "http/1.1"] : ["h2"];
      const connect = () => this.#connect(place, proxy, protocolIds);
      this.#way = { url, context, proxy, most, prior: !proxy.tls, http1, connect };
    }
    return this.#way;
  }

  /** By a connection of its own, over HTTP/1.1 or SOCKS5. */
  async #openOn(conn: Conn, proxy: OutboundProxy, target: ProxyTarget): Promise<Conn | BackendFailure> {
    try {
      const open = await throughProxy(conn, proxy, target, this.#deadlines);
      unread(open.conn, open.early);
      this.#circuit.succeeded();
      return open.conn;
    } catch (error) {
      if (error instanceof ProxyError) return this.#refused(error);
      throw error;
    }
  }

  /** To the proxy, over TLS where it asks for that; or why not. */
  async #connect(place: Target, proxy: OutboundProxy, protocolIds: readonly string[]): Promise<Conn | string> {
    const dialled = await place.open();
    if (dialled instanceof DialError) return `cannot connect to ${String(proxy)}: ${dialled.message}`;
    return proxy.tls ? this.#secure(dialled, proxy, protocolIds) : dialled;
  }

  async #secure(dialled: Conn, proxy: OutboundProxy, protocolIds: readonly string[]): Promise<Conn | string> {
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
      sessions: this.#sessions.cache,
      deadlines: this.#deadlines,
      keepAlive: this.#tools.keepAlive,
    });
    if (!("reason" in secured)) return secured;
    return `no TLS with ${String(proxy)}: ${secured.message} (${secured.reason})`;
  }

  async #openBySsh(url: Extract<BackendUrl, { kind: "ssh" }>, target: ProxyTarget): Promise<Conn | BackendFailure> {
    const { openSshMaster } = await import("./ssh.ts");
    this.#ssh ??= openSshMaster(url, this.#tools);
    const opened = await this.#ssh.open(target);
    if (!("reason" in opened)) {
      this.#circuit.succeeded();
      return opened;
    }
    if (opened.reason === "broken") return this.#broken(opened.message);
    this.#circuit.succeeded();
    return new BackendFailure(opened.reason, opened.message, opened.reason === "denied");
  }

  /** It does not work, whatever the target. */
  #broken(message: string): BackendFailure {
    this.#circuit.failed(performance.now());
    return new BackendFailure("failed", message);
  }

  /** What it says of the target is no fault of its own. */
  #refused({ code, message }: ProxyError): BackendFailure {
    const refusal = OF_TARGETS[code];
    if (refusal === undefined) return this.#broken(message);
    this.#circuit.succeeded();
    return new BackendFailure(refusal, message, refusal === "denied");
  }
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

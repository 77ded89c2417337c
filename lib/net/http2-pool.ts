/** Connections to one proxy that carry many tunnels each (HTTP/2), opened and closed as they are needed. Dials none itself. */
import type { Http2Connect } from "../session/http2-connect.ts";
import type { ProxyTarget } from "../session/outbound-proxy.ts";
import { canonicalHost } from "../wire/host.ts";
import type { Conn } from "./conn.ts";
import { Deadlines } from "./deadlines.ts";
import type { NoTunnel } from "./http2-client-conn.ts";
import { Http2Line, type LineTimes } from "./http2-line.ts";
import { ProxyError, type OutboundProxy } from "./through-proxy.ts";

/** How the proxy is reached. Another one than before retires the connections that there are: their tunnels live to their end. */
export interface PoolWay {
  readonly proxy: OutboundProxy;
  /** Connections at a time. */
  readonly most: number;
  /** Whether a peer that negotiated nothing speaks HTTP/2 all the same. */
  readonly prior: boolean;
  /** Where it does not speak HTTP/2: whether it is to be spoken to by HTTP/1.1. */
  readonly http1: boolean;
  /** A connection, TLS included; or why there is none. */
  connect(): Promise<Conn | PoolFailure>;
}

export interface PoolFailure {
  readonly message: string;
  /** Whether it is the proxy's, or says nothing of it. */
  readonly about: "backend" | "target" | "nothing";
}

export type Pooled =
  /** A tunnel. */
  | { kind: "open"; conn: Conn }
  /** The proxy speaks HTTP/1.1: a connection of one's own, on which nothing was said. */
  | { kind: "http1"; conn: Conn }
  /** Of the request. */
  | { kind: "refused"; error: ProxyError }
  /** No connection. `joined`: it was another one's attempt, who is told the same. */
  | { kind: "unreachable"; failure: PoolFailure; joined: boolean }
  | { kind: "busy" };

type Unasked = Exclude<Pooled, { kind: "open" | "refused" }>;

interface Asked {
  kind: "asked";
  line: Http2Line;
  answer: Promise<Conn | NoTunnel>;
  /** The connection was made for this request. */
  isOwn: boolean;
}

interface Dial {
  waiting: number;
  readonly outcome: Promise<Http2Line | { http1: Conn } | PoolFailure>;
}

/** Milliseconds without a tunnel after which a connection is closed. */
const IDLE = 60_000;
/** What a connection is thought to carry before any has told (RFC 9113 section 6.5.2). */
const USUAL = 100;
/** Connections that one request may open: a proxy that takes none on them is not asked without end. */
const MOST_DIALS = 2;

export class Http2Pool {
  readonly #times: LineTimes;
  readonly #lines = new Set<Http2Line>();
  readonly #dials = new Set<Dial>();
  #way: PoolWay | undefined;
  /** What the last connection turned out to speak. */
  #isHttp1 = false;
  #expected = USUAL;
  #closed = false;

  /** In milliseconds: for an answer; of silence before a peer is asked whether it is there, 0 never asks. */
  constructor({ answer, silence, idle = IDLE }: { answer: number; silence: number; idle?: number }) {
    this.#times = {
      answer: new Deadlines(answer),
      silence: new Deadlines(silence),
      idle: new Deadlines(idle),
    };
  }

  get connections(): number {
    return this.#lines.size;
  }

  get tunnels(): number {
    let sum = 0;
    for (const line of this.#lines) sum += line.tunnels;
    return sum;
  }

  /** Has the proxy connect to `target`. */
  async open(way: PoolWay, target: ProxyTarget): Promise<Pooled> {
    if (way !== this.#way) this.#turnTo(way);
    const { host, error } = canonicalHost(target.host);
    if (error !== undefined) return refused(way, "proxy_failed", `the target is no host: ${error}`);
    const request = way.proxy.http2Connect({ host, port: target.port });
    let before: Http2Line | undefined;
    for (;;) {
      const found = await this.#ask(request, before);
      if (found.kind !== "asked") return found;
      const answer = await found.answer;
      if (!("code" in answer)) return { kind: "open", conn: answer };
      const { code, reason, again } = answer;
      // RFC 9113 section 8.7: once.
      if (again === "unseen" && before !== undefined) return { kind: "busy" };
      // On a connection of its own an end without an answer is the proxy's answer.
      if (again === undefined || before !== undefined || (again === "died" && found.isOwn))
        return refused(way, code, reason);
      before = found.line;
    }
  }

  /** No more tunnels in the connections that there are; each ends with its last one. */
  retire(): void {
    for (const line of this.#lines) line.retire();
  }

  /** Ends all connections. */
  close(): void {
    this.#closed = true;
    for (const line of this.#lines) line.leave();
  }

  #turnTo(way: PoolWay): void {
    this.#way = way;
    this.#isHttp1 = false;
    this.#expected = USUAL;
    this.#dials.clear();
    this.retire();
  }

  /** On a connection other than `before` that is free: at once, since the place may be gone a moment later. */
  async #ask(request: Http2Connect, before: Http2Line | undefined): Promise<Asked | Unasked> {
    let mine: Http2Line | undefined;
    for (let dials = 0; ;) {
      for (const line of this.#lines)
        if (line !== before && line.isFree)
          return { kind: "asked", line, answer: line.ask(request), isOwn: line === mine };
      const dial = this.#dialToJoin() ?? (dials++ < MOST_DIALS && this.#mayDial ? this.#dial() : undefined);
      if (dial === undefined) return { kind: "busy" };
      const joined = dial.waiting++ > 0;
      const came = await dial.outcome;
      if ("message" in came) return { kind: "unreachable", failure: came, joined };
      if (came instanceof Http2Line) mine = joined ? undefined : came;
      else if (!joined) return { kind: "http1", conn: came.http1 };
    }
  }

  /** One that is under way and worth waiting for. */
  #dialToJoin(): Dial | undefined {
    if (this.#isHttp1) return undefined;
    let least: Dial | undefined;
    for (const dial of this.#dials) if (least === undefined || dial.waiting < least.waiting) least = dial;
    return least !== undefined && (least.waiting < this.#expected || !this.#mayDial) ? least : undefined;
  }

  get #mayDial(): boolean {
    let used = this.#dials.size;
    // Those that take no more may go on for days.
    for (const line of this.#lines) if (!line.isLeaving) used++;
    return this.#isHttp1 || used < this.#way!.most;
  }

  #dial(): Dial {
    const dial: Dial = { waiting: 0, outcome: this.#make(this.#way!).finally(() => this.#dials.delete(dial)) };
    if (!this.#isHttp1) this.#dials.add(dial);
    return dial;
  }

  async #make(way: PoolWay): Promise<Http2Line | { http1: Conn } | PoolFailure> {
    if (this.#closed) return { message: "it is closed", about: "nothing" };
    const conn = await way.connect();
    if ("message" in conn) return conn;
    const isHttp2 = way.prior || conn.tls?.protocolId === "h2";
    if (way === this.#way) this.#isHttp1 = !isHttp2;
    if (!isHttp2 && way.http1) return { http1: conn };
    if (!isHttp2) {
      conn.destroy();
      return broken(`${String(way.proxy)} does not speak HTTP/2 (it took no "h2" by ALPN)`);
    }
    const line = new Http2Line(conn, this.#times, () => this.#lines.delete(line));
    this.#lines.add(line);
    if (way !== this.#way || this.#closed) line.retire();
    const trouble = await line.ready;
    if (trouble !== undefined) return broken(`no HTTP/2 with ${String(way.proxy)}: ${trouble}`);
    this.#expected = Math.max(1, line.most);
    return line;
  }
}

function broken(message: string): PoolFailure {
  return { message, about: "backend" };
}

function refused({ proxy }: PoolWay, code: ProxyError["code"], reason: string): Pooled {
  return { kind: "refused", error: new ProxyError(code, `${String(proxy)}: ${reason}`) };
}

/** A place that a daemon dials again and again: its addresses, remembered for a moment, and whether it answers. Speaks no protocol. */
import type { Conn } from "./conn.ts";
import { DialError, interleave, type Candidate, type Dialer } from "./dial.ts";
import { formatEndpoint, type Endpoint } from "./endpoint.ts";
import type { Health } from "./health.ts";
import { ResolveError, type Resolve } from "./resolve.ts";
import { parseIp } from "../wire/ip.ts";

export type TargetEndpoint = Extract<Endpoint, { kind: "tcp" | "unix" }>;

/** Milliseconds for which the addresses of a name are good: thousands of connections a second share one question. */
const REMEMBERED = 1000;
/** Milliseconds for which a target that failed stands behind the others. */
const SET_BACK = 5000;

export interface TargetTools {
  dialer: Dialer;
  resolve: Resolve;
}

export class Target {
  readonly endpoint: TargetEndpoint;
  readonly text: string;
  /** What its checks say; undefined where it is not checked. */
  health: Pick<Health, "trouble"> | undefined;
  readonly #tools: TargetTools;
  /** Where it is written as an address. */
  readonly #literal: readonly Candidate[] | undefined;
  #candidates: readonly Candidate[] = [];
  #resolvedAt = -Infinity;
  /** What answered last: it is asked alone, which spares the race of all addresses. */
  #preferred: Candidate | undefined;
  #failedAt = -Infinity;
  /** Whether nothing answered the last attempt. */
  #silent = false;

  constructor(endpoint: TargetEndpoint, tools: TargetTools) {
    this.endpoint = endpoint;
    this.text = formatEndpoint(endpoint);
    if (endpoint.kind === "tcp" && parseIp(endpoint.host) !== undefined)
      this.#literal = [{ ip: endpoint.host, port: endpoint.port }];
    this.#tools = tools;
  }

  /** Whether the last attempt or check, if it was a moment ago, failed. */
  get setBack(): boolean {
    return performance.now() - this.#failedAt < SET_BACK;
  }

  /** Whether its checks say that it does not work. */
  get down(): boolean {
    return this.health?.trouble !== undefined;
  }

  failed(): void {
    this.#failedAt = performance.now();
  }

  succeeded(): void {
    this.#failedAt = -Infinity;
  }

  /** Connects to it. */
  open(): Promise<Conn | DialError> {
    const { dialer } = this.#tools;
    if (this.#literal !== undefined) return this.#dial(this.#literal);
    return this.endpoint.kind === "unix" ? dialer.openUnix(this.endpoint.path) : this.#openByName();
  }

  async #openByName(): Promise<Conn | DialError> {
    const { dialer } = this.#tools;
    const candidates = await this.candidates();
    if (candidates instanceof DialError) return candidates;
    const preferred = this.#preferred && candidates.find(({ ip }) => ip === this.#preferred!.ip);
    if (preferred !== undefined && candidates.length > 1) {
      const conn = await dialer.open([preferred], this.#silent);
      if (!(conn instanceof DialError)) return conn;
      this.#preferred = undefined;
      return this.#race(candidates.filter((candidate) => candidate !== preferred));
    }
    return this.#race(candidates);
  }

  async #race(candidates: readonly Candidate[]): Promise<Conn | DialError> {
    const conn = await this.#dial(candidates);
    if (conn instanceof DialError) this.#resolvedAt = -Infinity;
    else if ("ip" in conn.remote) this.#preferred = conn.remote;
    return conn;
  }

  #dial(candidates: readonly Candidate[]): Promise<Conn | DialError> {
    return new Promise((resolve) => {
      const opened = (conn: Conn) => {
        this.#silent = false;
        resolve(conn);
      };
      const failed = (error: DialError) => {
        this.#silent = error.kind === "timeout";
        resolve(error);
      };
      this.#tools.dialer.dial(candidates, { opened, failed }, this.#silent);
    });
  }

  /** Its addresses; of a UNIX socket none. */
  async candidates(): Promise<readonly Candidate[] | DialError> {
    if (this.endpoint.kind === "unix") return [];
    if (this.#literal !== undefined) return this.#literal;
    const { host, port } = this.endpoint;
    if (performance.now() - this.#resolvedAt < REMEMBERED) return this.#candidates;
    try {
      const ips = await this.#tools.resolve(host);
      this.#candidates = interleave(ips.map((ip) => ({ ip, port })));
      this.#resolvedAt = performance.now();
      return this.#candidates;
    } catch (error) {
      if (!(error instanceof ResolveError)) throw error;
      return new DialError(error.kind === "timeout" ? "timeout" : "other", `lookup ${host}: ${WORDS[error.kind]}`);
    }
  }
}

const WORDS = { not_found: "no such host", timeout: "no answer in time", failed: "the resolver failed" } as const;

export type TargetOrder = "first" | "rotate";

/** Several targets for one purpose, in the order in which they are to be tried. */
export class Targets {
  readonly all: readonly Target[];
  readonly #order: TargetOrder;
  #next = 0;

  constructor(all: readonly Target[], order: TargetOrder) {
    this.all = all;
    this.#order = order;
  }

  /** All of them: those that failed a moment ago last. */
  inOrder(): readonly Target[] {
    if (this.all.length === 1) return this.all;
    const from = this.#order === "first" ? 0 : this.#next++ % this.all.length;
    const turned = [...this.all.slice(from), ...this.all.slice(0, from)];
    return [...turned.filter((target) => !target.setBack), ...turned.filter((target) => target.setBack)];
  }
}

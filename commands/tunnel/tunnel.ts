/** One tunnel of the process: its settings, what it has loaded, and the sessions that are open. Knows no flags and no files. */
import type { FactName, Facts } from "../../lib/acl/facts.ts";
import type { Policy } from "../../lib/acl/policy.ts";
import { auditFacts } from "../../lib/audit/event.ts";
import type { AuditSink } from "../../lib/audit/sink.ts";
import type { Logger } from "../../lib/command/log.ts";
import type { Identity } from "../../lib/identity/identity.ts";
import type { Trust } from "../../lib/identity/trust.ts";
import type { Conn } from "../../lib/net/conn.ts";
import { Deadlines } from "../../lib/net/deadlines.ts";
import type { KeepAlive } from "../../lib/net/keep-alive.ts";
import type { RelayLimits, RelayResult } from "../../lib/net/relay.ts";
import { Target, Targets, type TargetTools } from "../../lib/net/target.ts";
import type { OutboundProxy } from "../../lib/net/through-proxy.ts";
import { readsBelow, type TlsContext } from "../../lib/net/tls-context.ts";
import { SessionCache, type HandshakeOptions } from "../../lib/net/tls-conn.ts";
import type { OutboundSide } from "../../lib/net/upstream.ts";
import { OpenSet } from "../../lib/service/open-set.ts";
import { parseIp } from "../../lib/wire/ip.ts";
import { WaitingRoom, type Descriptors } from "../../lib/service/waiting-room.ts";
import type { TunnelCounts } from "./metrics.ts";
import type { Loaded } from "./load.ts";
import type { Refusal } from "./refusal.ts";
import { Session } from "./session.ts";
import type { Quiet, TunnelSettings } from "./settings.ts";

/** What all tunnels of a process share. */
export interface Shared {
  log: Logger;
  quiet: Quiet;
  sink: AuditSink | undefined;
  keepAlive: KeepAlive;
  /** Milliseconds: of a handshake, and of a dial. */
  connectTimeout: number;
  relayLimits: RelayLimits;
  targetTools: TargetTools;
  resumption: boolean;
  descriptors: Descriptors;
}

export class Tunnel {
  readonly settings: TunnelSettings;
  readonly targets: Targets;
  /** The proxy behind which the targets are. */
  readonly proxy: OutboundSide | undefined;
  readonly deadlines: Deadlines;
  readonly counts: TunnelCounts;
  readonly #shared: Shared;
  #loaded: Loaded;
  /** Of `#loaded.context`: sessions that other trust has verified are not resumed. */
  #sessions = new Map<Target, SessionCache>();
  /** In whatever state. */
  readonly open = new OpenSet<Session>();
  readonly #room: WaitingRoom;
  readonly #run = Buffer.from(crypto.getRandomValues(new Uint8Array(4))).toString("hex");
  #count = 0;

  constructor(settings: TunnelSettings, shared: Shared, loaded: Loaded, counts: TunnelCounts) {
    this.settings = settings;
    this.#shared = shared;
    this.#loaded = loaded;
    this.counts = counts;
    this.deadlines = new Deadlines(shared.connectTimeout);
    const all = settings.targets.map((endpoint) => new Target(endpoint, shared.targetTools));
    this.targets = new Targets(all, settings.targetOrder);
    this.#room = new WaitingRoom(settings.most, shared.descriptors, this.#descriptors);
    this.proxy = this.#outboundSide(settings.proxy);
  }

  get log(): Logger {
    return this.#shared.log;
  }
  get quiet(): Quiet {
    return this.#shared.quiet;
  }
  get sink(): AuditSink | undefined {
    return this.#shared.sink;
  }
  get relayLimits(): RelayLimits {
    return this.#shared.relayLimits;
  }
  /** Whether pins take the place of chain and name. */
  get pinned(): boolean {
    return this.settings.rules?.pinned === true;
  }
  /** Of the tunnel's certificate, now. */
  get identity(): Identity | undefined {
    return this.#loaded.identity;
  }
  /** Authorities of the peers, PEM, now. */
  get trusted(): readonly string[] | undefined {
    return this.#loaded.trust?.ca;
  }
  /** Of its peers, where they are verified. */
  get trust(): Trust | undefined {
    return this.#loaded.trust;
  }
  get policy(): Policy | undefined {
    return this.#loaded.policy;
  }

  /** Puts what was read anew in force, from the next connection on. */
  swap(loaded: Loaded): void {
    this.#loaded = loaded;
    this.#sessions = new Map();
  }

  /** Whether each connection begins with TLS, and nothing of it is read before. */
  get layered(): boolean {
    const { side, starttls, acceptProxyFrom } = this.settings;
    if (readsBelow(this.#loaded.context)) return false;
    return side === "server" && starttls === undefined && acceptProxyFrom === undefined;
  }

  /** Of a session: the client's and the target's, and a pair of them where TLS may begin with bytes that were read already. */
  get #descriptors(): number {
    const { side, proxy } = this.settings;
    if (readsBelow(this.#loaded.context)) return 2;
    return (side === "server" ? this.layered : proxy === undefined) ? 2 : 4;
  }

  /** Takes a connection that was accepted: at once, or when a place is free. */
  accept(conn: Conn): void {
    this.counts.accepted++;
    if (this.#room.enter(conn, () => void this.#serve(conn))) return;
    this.counts.failed++;
    conn.destroy();
    if (this.#room.mayComplain())
      this.log.error("error accepting connection: too many open files", {
        open: this.open.size,
        waiting: this.#room.waiting,
      });
  }

  async #serve(conn: Conn): Promise<void> {
    await this.carry(conn);
    this.#room.leave();
  }

  /** Carries a connection from here to its end; answers how it ended, or why it was not let through. */
  async carry(conn: Conn): Promise<Refusal | RelayResult> {
    const session = new Session(this, conn);
    this.open.enter(session);
    try {
      return await session.run();
    } finally {
      this.open.leave(session);
    }
  }

  /** Ends what has not come to relay, and resolves when all else has ended. */
  drain(): Promise<void> {
    this.#room.close();
    for (const session of this.open) if (!session.relaying) session.cut();
    return this.open.emptied();
  }

  /** How TLS is spoken on the tunnel's side: with clients, or with `target`, which is asked for by `serverName`. */
  handshakeOptions(target?: Target, serverName?: string): HandshakeOptions {
    const { authenticate, side } = this.settings;
    return {
      context: this.#loaded.context,
      requestCert: side === "client" || authenticate,
      verify: (side === "client" || authenticate) && !this.pinned,
      protocolIds: this.#protocolIds(),
      serverName: serverName === undefined || parseIp(serverName) !== undefined ? undefined : serverName,
      sessions: target === undefined || !this.#shared.resumption ? undefined : this.#sessionsOf(target),
      deadlines: this.deadlines,
      keepAlive: this.#shared.keepAlive,
    };
  }

  /** Clients of PostgreSQL that begin with TLS at once insist on the protocol's id. */
  #protocolIds(): readonly string[] {
    const { protocolIds, starttls, side } = this.settings;
    return starttls === "postgres" && side === "server" && protocolIds.length === 0 ? ["postgresql"] : protocolIds;
  }

  #outboundSide(url: OutboundProxy | undefined): OutboundSide | undefined {
    if (url === undefined) return undefined;
    const endpoint = { kind: "tcp", host: url.host, port: url.port } as const;
    return {
      url,
      target: new Target(endpoint, this.#shared.targetTools),
      handshakeOptions: () => this.#optionsFor(url.host, this.#loaded.proxyContext),
    };
  }

  /** How TLS is spoken with the web server that tells how the target is. */
  statusOptions(host: string): HandshakeOptions {
    return this.#optionsFor(host, this.#loaded.statusContext);
  }

  /** With somebody who is no party to the tunnel. */
  #optionsFor(host: string, context: TlsContext | undefined): HandshakeOptions {
    return { ...this.handshakeOptions(undefined, host), context: context!, verify: true, protocolIds: [] };
  }

  #sessionsOf(target: Target): SessionCache {
    let cache = this.#sessions.get(target);
    if (cache === undefined) this.#sessions.set(target, (cache = new SessionCache()));
    return cache;
  }

  /** The name of a session in records: no other run has it. */
  nextSession(): string {
    return `${this.#run}-${(++this.#count).toString(36)}`;
  }

  /** Those of `facts` that the policy mentions, for the record. */
  auditFacts(facts: Facts): Record<string, unknown> {
    const mentions: readonly FactName[] = this.policy?.mentions ?? [];
    return this.sink === undefined ? {} : auditFacts(facts, mentions, digest);
  }
}

function digest(value: string): string {
  return new Bun.CryptoHasher("sha256").update(value).digest("hex").slice(0, 16);
}

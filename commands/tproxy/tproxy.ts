/** A transparent proxy in force: its rules and names, and the sessions that are open. Knows no flags, files, tables and listeners. */
import type { AuditSink } from "../../lib/audit/sink.ts";
import type { Logger } from "../../lib/command/log.ts";
import { DESCRIPTORS } from "../../lib/net/carrier/lane.ts";
import type { Conn, SocketAddress } from "../../lib/net/conn.ts";
import { Deadlines } from "../../lib/net/deadlines.ts";
import { abandonedDials } from "../../lib/net/dial.ts";
import type { TcpAddress } from "../../lib/net/original-destination.ts";
import type { TargetTools } from "../../lib/net/target.ts";
import { mostClients } from "../../lib/service/descriptors.ts";
import { OpenSet } from "../../lib/service/open-set.ts";
import { Descriptors, WaitingRoom } from "../../lib/service/waiting-room.ts";
import type { Arrival } from "./arrival.ts";
import type { Names } from "./known-names.ts";
import type { Loaded } from "./load.ts";
import type { TproxyMetrics } from "./metrics.ts";
import { Route } from "./route.ts";
import { asksProcess, asksUser } from "./rule.ts";
import { Session } from "./session.ts";
import type { CarrySettings } from "./settings.ts";

/** How connections come to us. */
export interface Captured {
  /** Where the client was going; undefined for a connection that was not captured, which is refused. */
  destinationOf(conn: Conn): TcpAddress | undefined;
  /** The only user whose connections are taken; undefined takes those of all, if a rule does. */
  onlyUser?: number;
  /** Whether a client must be a program of this machine: where nothing else keeps others out. */
  localOnly: boolean;
}

export interface TproxyParts {
  settings: CarrySettings;
  captured: Captured;
  log: Logger;
  sink: AuditSink | undefined;
  metrics: TproxyMetrics;
  targetTools: TargetTools;
}

/** Descriptors of a session: the client's and the target's, and a pair of them where TLS may begin with bytes that were read already. */
const EACH = 2;

export class Tproxy {
  readonly settings: CarrySettings;
  readonly captured: Captured;
  readonly log: Logger;
  readonly sink: AuditSink | undefined;
  readonly metrics: TproxyMetrics;
  readonly targetTools: TargetTools;
  /** Of a handshake, and of a client's first words. */
  readonly deadlines: Deadlines;
  /** In whatever state. */
  readonly open = new OpenSet<Session>();
  routes: readonly Route[] = [];
  names: Names;
  /** Whether whose a connection is has to be asked, and whether its process has to be searched. */
  asksUser = false;
  asksProcess = false;
  #verifiers: Loaded["verifiers"] = [];
  /** Connections without a session, which a carrier carries. */
  carried: () => number = () => 0;
  /** Told of each that has come to its target. */
  reached: (arrival: Arrival, address: SocketAddress) => void = () => {};
  readonly #room: WaitingRoom;
  readonly #run = Buffer.from(crypto.getRandomValues(new Uint8Array(4))).toString("hex");
  #count = 0;

  constructor({ settings, captured, log, sink, metrics, targetTools }: TproxyParts, loaded: Loaded) {
    this.settings = settings;
    this.captured = captured;
    this.log = log;
    this.sink = sink;
    this.metrics = metrics;
    this.targetTools = targetTools;
    this.deadlines = new Deadlines(settings.connectTimeout);
    const descriptors = new Descriptors(mostClients(), () => abandonedDials() + DESCRIPTORS * this.carried());
    this.#room = new WaitingRoom(settings.most, descriptors, EACH);
    this.names = loaded.names;
    this.swap(loaded);
  }

  /** Puts what was read anew in force, from the next connection on. */
  swap({ rules, names, verifiers }: Loaded): void {
    for (const verifier of this.#verifiers) verifier.retire();
    this.#verifiers = verifiers;
    const { targetTools, deadlines } = this;
    const { keepAlive, resumption } = this.settings;
    this.routes = rules.map(
      (rule) => new Route(rule, this.metrics.of(rule.settings.name), { targetTools, deadlines, keepAlive, resumption }),
    );
    this.names = names;
    const mentions = this.routes.flatMap(({ files }) => files.policy?.mentions ?? []);
    this.asksProcess =
      this.sink !== undefined || this.routes.some(asksProcess) || mentions.some((name) => OF_PROCESSES.has(name));
    this.asksUser =
      this.asksProcess ||
      this.captured.localOnly ||
      this.captured.onlyUser !== undefined ||
      this.routes.some(asksUser) ||
      mentions.includes("client.uid");
  }

  /** Takes a connection that was accepted: at once, or when a place is free. */
  accept(conn: Conn): void {
    this.metrics.accepted++;
    if (this.#room.enter(conn, () => void this.#serve(conn))) return;
    this.metrics.refused.with("limit").value++;
    conn.destroy();
    if (this.#room.mayComplain())
      this.log.error("connections are refused: too many open files", {
        open: this.open.size,
        waiting: this.#room.waiting,
      });
  }

  async #serve(conn: Conn): Promise<void> {
    const session = new Session(this, conn);
    this.open.enter(session);
    try {
      await session.run();
    } finally {
      this.open.leave(session);
      this.#room.leave();
    }
  }

  /** Ends what has not come to relay, and resolves when all else has ended. */
  drain(): Promise<void> {
    this.#room.close();
    for (const session of this.open) if (!session.relaying) session.cut();
    return this.open.emptied();
  }

  /** Writes what is left to be written. */
  async close(): Promise<void> {
    for (const verifier of this.#verifiers) verifier.close();
    await this.sink?.close();
  }

  /** The name of a session in records: no other run has it. */
  nextSession(): string {
    return `${this.#run}-${(++this.#count).toString(36)}`;
  }
}

const OF_PROCESSES = new Set(["client.gid", "client.pid", "client.executable", "client.cgroup"]);

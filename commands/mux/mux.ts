/** A multiplexer in force: what its connections share, and those that are open. Knows no flags, files and listeners. */
import type { Guard } from "../../lib/acl/guard.ts";
import type { AuditSink } from "../../lib/audit/sink.ts";
import type { Logger } from "../../lib/command/log.ts";
import { DESCRIPTORS } from "../../lib/net/carrier/lane.ts";
import type { Conn } from "../../lib/net/conn.ts";
import { Deadlines } from "../../lib/net/deadlines.ts";
import { abandonedDials } from "../../lib/net/dial.ts";
import type { KeepAlive } from "../../lib/net/keep-alive.ts";
import type { TargetTools } from "../../lib/net/target.ts";
import { mostClients } from "../../lib/service/descriptors.ts";
import { OpenSet } from "../../lib/service/open-set.ts";
import { Descriptors, WaitingRoom } from "../../lib/service/waiting-room.ts";
import { Cancellations, type CancelPlace } from "./cancellations.ts";
import type { MuxMetrics } from "./metrics.ts";
import type { Route } from "./route.ts";
import type { RouteTable } from "./routes/table.ts";
import { Session } from "./session.ts";
import type { MuxSettings } from "./settings.ts";
import type { SniffRules } from "./sniff.ts";

export interface MuxParts {
  settings: MuxSettings;
  log: Logger;
  sink: AuditSink | undefined;
  metrics: MuxMetrics;
  targetTools: TargetTools;
}

/** Descriptors of a connection: the client's and the target's. */
const EACH = 2;

export class Mux {
  readonly settings: MuxSettings;
  readonly log: Logger;
  readonly sink: AuditSink | undefined;
  readonly metrics: MuxMetrics;
  readonly targetTools: TargetTools;
  readonly sniffRules: SniffRules;
  /** Of a handshake, on either side. */
  readonly deadlines: Deadlines;
  readonly descriptors = new Descriptors(mostClients(), () => abandonedDials() + DESCRIPTORS * this.carried());
  readonly cancellations = new Cancellations();
  /** What clients may not be led to unasked; set once it listens. */
  guard: Guard = { own: [], resolvedBy: "us" };
  /** In whatever state. */
  readonly open = new OpenSet<Session>();
  /** Connections without a session, which a carrier carries. */
  carried: () => number = () => 0;
  readonly #room: WaitingRoom;
  readonly #run = Buffer.from(crypto.getRandomValues(new Uint8Array(4))).toString("hex");
  #count = 0;

  constructor({ settings, log, sink, metrics, targetTools }: MuxParts) {
    this.settings = settings;
    this.log = log;
    this.sink = sink;
    this.metrics = metrics;
    this.targetTools = targetTools;
    this.deadlines = new Deadlines(settings.connectTimeout);
    const { acceptProxyFrom, helloLimit, helloTimeout, silentTimeout } = settings;
    const silence = new Deadlines(silentTimeout);
    this.sniffRules = {
      acceptProxyFrom,
      helloLimit,
      deadlines: new Deadlines(helloTimeout),
      silence,
      cancellation: (key) => this.#cancellation(key),
    };
    this.#room = new WaitingRoom(settings.most, this.descriptors, EACH);
  }

  get keepAlive(): KeepAlive {
    return this.settings.keepAlive;
  }

  #cancellation(key: string): { route: Route; cancel: CancelPlace } | undefined {
    const cancel = this.cancellations.find(key);
    return cancel && { route: cancel.route, cancel };
  }

  /** Takes a connection that was accepted: at once, or when a place is free. `table` gives the routes of that moment. */
  accept(conn: Conn, table: () => RouteTable<Route>): void {
    this.metrics.accepted++;
    if (this.#room.enter(conn, () => this.#serve(conn, table()))) return;
    this.metrics.refused.with("limit").value++;
    conn.destroy();
    if (this.#room.mayComplain())
      this.log.error("connections are refused: too many open files", {
        open: this.open.size,
        waiting: this.#room.waiting,
      });
  }

  #serve(conn: Conn, table: RouteTable<Route>): void {
    const session = new Session(this, table, conn);
    this.open.enter(session);
    session.begin(() => {
      this.open.leave(session);
      this.#room.leave();
    });
  }

  /** Ends what has not come to relay, and resolves when all else has ended. */
  drain(): Promise<void> {
    this.#room.close();
    for (const session of this.open) if (!session.relaying) session.cut();
    return this.open.emptied();
  }

  /** The name of a session in records: no other run has it. */
  nextSession(): string {
    return `${this.#run}-${(++this.#count).toString(36)}`;
  }
}

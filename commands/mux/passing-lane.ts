/** What a carrier does for a multiplexer: its listeners, its connections among the others, and the clients that it hands over. Decides nothing. */
import { adoptDescriptor } from "../../lib/net/adopt.ts";
import { Carrier } from "../../lib/net/carrier/carrier.ts";
import type { Closed, HandedOver, Opened } from "../../lib/net/carrier/messages.ts";
import { gated, watchGate } from "../../lib/net/gate.ts";
import { boundAddress } from "../../lib/net/inherited.ts";
import type { Listener } from "../../lib/net/listen.ts";
import { unread } from "../../lib/net/unread.ts";
import { mostClients } from "../../lib/service/descriptors.ts";
import type { LoadedPlace } from "./load.ts";
import type { Mux } from "./mux.ts";
import { PassedSession } from "./passed-session.ts";
import { noWays, passingWays, type PassingWays } from "./passing.ts";
import type { Route } from "./route.ts";
import type { RouteTable } from "./routes/table.ts";

/** In the compiled program modules are in one folder, but for those that are begun as threads. */
const COMPILED = import.meta.url.includes("/$bunfs/");
const THREAD = new URL(COMPILED ? "./commands/mux/carrier-thread.js" : "./carrier-thread.ts", import.meta.url);
/** Descriptors of a connection: the client's and the target's. */
const EACH = 2;

/** A listener whose clients the carrier takes. */
export interface LaneListener extends Listener {
  /** Leads clients by what was loaded anew; resolves when it does. */
  lead(place: LoadedPlace): Promise<void>;
  /** Resolves when nobody listens there any more. */
  close(): Promise<void>;
}

export class PassingLane {
  readonly #mux: Mux;
  /** Of each listener: the routes that are in force, for the clients that are handed over. */
  readonly #lanes: (() => RouteTable<Route>)[] = [];
  /** By their numbers, which last: what was opened before a reload is counted where it was. */
  readonly #routes: Route[] = [];
  /** By listener and name: each listener changes its routes at a moment of its own. */
  readonly #numbers = new Map<string, number>();
  /** Where anybody wants to know of each. */
  readonly #sessions = new Map<number, PassedSession>();
  #carrier: Carrier | undefined;
  #unwatch: () => void = () => {};
  /** Clients on their way to a session. */
  readonly #adopting = new Set<Promise<void>>();
  #emptied: (() => void) | undefined;

  constructor(mux: Mux) {
    this.#mux = mux;
  }

  /** Takes the clients of `listener` over, if that can be: undefined where sessions see to them all. */
  take(listener: Listener, place: LoadedPlace, table: () => RouteTable<Route>): LaneListener | undefined {
    const lane = this.#lanes.length;
    const ways = this.#waysOf(lane, place);
    if (ways === undefined || listener.giveUp === undefined) return undefined;
    const carrier = (this.#carrier ??= this.#begin());
    const fd = carrier && listener.giveUp();
    if (carrier === undefined || fd === undefined) return undefined;
    this.#lanes.push(table);
    void this.#lead(carrier, lane, place);
    carrier.listen(lane, fd);
    const { endpoint, address } = listener;
    return {
      endpoint,
      address,
      close: () => carrier.unlisten(lane),
      lead: (next) => this.#lead(carrier, lane, next),
    };
  }

  /** Hands over what is not connected yet; `emptied` resolves when all else has ended. */
  async drain(): Promise<{ emptied: Promise<void> }> {
    this.#unwatch();
    await this.#carrier?.drain();
    await Promise.all(this.#adopting);
    const emptied =
      this.#mux.carried === 0 ? Promise.resolve() : new Promise<void>((resolve) => (this.#emptied = resolve));
    return { emptied };
  }

  /** Those that are carried, where anybody wants to know. */
  get sessions(): Iterable<PassedSession> {
    return this.#sessions.values();
  }

  cut(): void {
    void this.#carrier?.cut();
  }

  async end(): Promise<void> {
    this.#unwatch();
    await this.#carrier?.end();
  }

  #begin(): Carrier | undefined {
    const { relayLimits, keepAlive } = this.#mux.settings;
    const { idle, lifetime, halfClosed } = relayLimits;
    const most = Math.floor(mostClients() / EACH);
    const { sink, log, settings: own } = this.#mux;
    const named = sink !== undefined || own.status !== undefined || log.writes("info");
    const settings = { idle, lifetime, halfClosed, most, probeAfter: keepAlive.seconds, named };
    const carrier = Carrier.begin(THREAD, settings, {
      opened: (event) => this.#opened(event),
      moved: ({ id, sent, received }) => this.#sessions.get(id)?.moved(sent, received),
      closed: (event) => this.#closed(event),
      handedOver: (client) => this.#handedOver(client),
    });
    this.#unwatch = watchGate((shut) => carrier?.hold(shut));
    return carrier;
  }

  /** What is told until then was decided by the routes before. */
  async #lead(carrier: Carrier, lane: number, place: LoadedPlace): Promise<void> {
    await carrier.lead(lane, this.#waysOf(lane, place) ?? noWays(this.#mux.settings));
    for (const route of place.routes) this.#routes[this.#numberOf(lane, route)] = route;
  }

  #waysOf(lane: number, place: LoadedPlace): PassingWays | undefined {
    return passingWays(place, this.#mux.settings, (route) => this.#numberOf(lane, route));
  }

  #numberOf(lane: number, route: Route): number {
    const key = `${lane} ${route.name}`;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#routes.push(route) - 1;
      this.#numbers.set(key, number);
    }
    return number;
  }

  #opened(event: Opened): void {
    const mux = this.#mux;
    mux.metrics.accepted++;
    const route = this.#routes[event.way]!;
    const { counts } = route;
    counts.chosen++;
    counts.busy++;
    counts.open++;
    counts.waits.observe(event.waited / 1000);
    mux.carried++;
    const { id, waited, who } = event;
    if (who !== undefined) this.#sessions.set(id, new PassedSession(mux, route, waited, who));
  }

  #closed(event: Closed): void {
    const { id, way, sent, received, lasted } = event;
    const { counts } = this.#routes[way]!;
    counts.busy--;
    counts.open--;
    counts.lives.observe(lasted / 1000);
    const session = this.#sessions.get(id);
    if (session !== undefined) {
      this.#sessions.delete(id);
      session.closed(event);
    } else {
      counts.sent += sent;
      counts.received += received;
    }
    if (--this.#mux.carried === 0) this.#emptied?.();
  }

  #handedOver(client: HandedOver): void {
    const adopting = this.#adopt(client).finally(() => this.#adopting.delete(adopting));
    this.#adopting.add(adopting);
  }

  async #adopt({ place, fd, ip, port, bytes }: HandedOver): Promise<void> {
    const { keepAlive } = this.#mux.settings;
    const local = boundAddress(fd) ?? { path: "" };
    try {
      const conn = await adoptDescriptor(fd, { remote: { ip, port }, local }, keepAlive);
      conn.received += bytes.length;
      unread(conn, { bytes, ended: false });
      gated((one) => this.#mux.accept(one, this.#lanes[place]!))(conn);
    } catch {
      // Gone in the meantime: the runtime has closed it.
    }
  }
}

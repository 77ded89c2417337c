/** What a carrier does for a multiplexer: its listeners, its connections among the others, and the clients that it hands over. Decides nothing. */
import { Lane, threadAt } from "../../lib/net/carrier/lane.ts";
import type { Closed, Opened } from "../../lib/net/carrier/messages.ts";
import type { Listener } from "../../lib/net/listen.ts";
import { mostClients } from "../../lib/service/descriptors.ts";
import type { LoadedPlace } from "./load.ts";
import type { Mux } from "./mux.ts";
import { PassedSession } from "./passed-session.ts";
import { noWays, passingWays, type PassingWays } from "./passing.ts";
import type { Route } from "./route.ts";
import type { RouteTable } from "./routes/table.ts";

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
  readonly #lane: Lane;
  /** Of each place: the routes that are in force, for the clients that are handed over. */
  readonly #tables: (() => RouteTable<Route>)[] = [];
  /** By their numbers, which last: what was opened before a reload is counted where it was. */
  readonly #routes: Route[] = [];
  /** By place and name: each listener changes its routes at a moment of its own. */
  readonly #numbers = new Map<string, number>();
  /** Where anybody wants to know of each. */
  readonly #sessions = new Map<number, PassedSession>();

  constructor(mux: Mux) {
    this.#mux = mux;
    const { relayLimits, keepAlive, status, connectTimeout: answer } = mux.settings;
    const { idle, lifetime, halfClosed } = relayLimits;
    const most = Math.floor(mostClients() / EACH);
    const named = mux.sink !== undefined || status !== undefined || mux.log.writes("info");
    this.#lane = new Lane({
      thread: threadAt(import.meta.url, "mux"),
      settings: { idle, lifetime, halfClosed, answer, most, named },
      keepAlive,
      events: {
        accept: (conn, place) => mux.accept(conn, this.#tables[place]!),
        opened: (event) => this.#opened(event),
        moved: ({ id, sent, received }) => this.#sessions.get(id)?.moved(sent, received),
        closed: (event) => this.#closed(event),
      },
    });
    mux.carried = () => this.#lane.carried;
  }

  /** Takes the clients of `listener` over, if that can be: undefined where sessions see to them all. */
  take(listener: Listener, loaded: LoadedPlace, table: () => RouteTable<Route>): LaneListener | undefined {
    const next = this.#tables.length;
    const ways = this.#waysOf(next, loaded);
    const place = ways && this.#lane.take(listener, ways);
    if (place === undefined) return undefined;
    this.#tables.push(table);
    const { endpoint, address } = listener;
    return {
      endpoint,
      address,
      close: () => this.#lane.unlisten(place),
      lead: (anew) => this.#lead(place, anew),
    };
  }

  /** Hands over what is not connected yet; `emptied` resolves when all else has ended. */
  drain(): Promise<{ emptied: Promise<void> }> {
    return this.#lane.drain();
  }

  /** Those that are carried, where anybody wants to know. */
  get sessions(): Iterable<PassedSession> {
    return this.#sessions.values();
  }

  cut(): void {
    this.#lane.cut();
  }

  end(): Promise<void> {
    return this.#lane.end();
  }

  /** What is told until then was decided by the routes before. */
  async #lead(place: number, loaded: LoadedPlace): Promise<void> {
    await this.#lane.lead(place, this.#waysOf(place, loaded) ?? noWays(this.#mux.settings));
    for (const route of loaded.routes) this.#routes[this.#numberOf(place, route)] = route;
  }

  #waysOf(place: number, loaded: LoadedPlace): PassingWays | undefined {
    return passingWays(loaded, this.#mux.settings, (route) => this.#numberOf(place, route));
  }

  #numberOf(place: number, route: Route): number {
    const key = `${place} ${route.name}`;
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
  }
}

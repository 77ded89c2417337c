/** What a carrier does for a multiplexer: its listeners, its connections among the others, and the clients that it hands over. Decides nothing. */
import { DESCRIPTORS, Lane, threadAt } from "../../lib/net/carrier/lane.ts";
import type { Closed, Opened } from "../../lib/net/carrier/messages.ts";
import type { Listener } from "../../lib/net/listen.ts";
import { CarriedSessions } from "../../lib/service/carried-sessions.ts";
import { mostClients } from "../../lib/service/descriptors.ts";
import type { LoadedPlace } from "./load.ts";
import type { Mux } from "./mux.ts";
import { storyOf } from "./passed-story.ts";
import { noWays, passingWays, type PassingWays } from "./passing.ts";
import type { Route } from "./route.ts";
import type { RouteTable } from "./routes/table.ts";

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
  readonly sessions = new CarriedSessions();

  constructor(mux: Mux) {
    this.#mux = mux;
    const { relayLimits, keepAlive, status, connectTimeout: answer } = mux.settings;
    const { idle, lifetime, halfClosed } = relayLimits;
    const most = Math.floor(mostClients() / DESCRIPTORS);
    const named = mux.sink !== undefined || status !== undefined || mux.log.writes("info");
    this.#lane = new Lane({
      thread: threadAt(import.meta.url, "mux"),
      settings: { idle, lifetime, halfClosed, answer, most, named },
      keepAlive,
      events: {
        accept: (conn, place) => mux.accept(conn, this.#tables[place]!),
        opened: (event) => this.#opened(event),
        moved: (event) => this.sessions.moved(event),
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
    const route = this.#routes[event.way]!;
    mux.metrics.accepted++;
    route.counts.busy++;
    this.sessions.opened(event, route.counts, storyOf(mux, route));
  }

  #closed(event: Closed): void {
    const { counts } = this.#routes[event.way]!;
    counts.busy--;
    this.sessions.closed(event, counts);
  }
}

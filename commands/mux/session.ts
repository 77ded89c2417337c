/** One connection through a multiplexer, from its acceptance to its end: sniff, front, back, relay, and one record of it all. */
import { formatAddress, type Conn, type SocketAddress } from "../../lib/net/conn.ts";
import { endWith } from "../../lib/net/linger.ts";
import { Relay, type RelayResult } from "../../lib/net/relay.ts";
import { unread } from "../../lib/net/unread.ts";
import type { Described, OpenConnection } from "../../lib/status/connections.ts";
import type { ClientHello } from "../../lib/wire/client-hello.ts";
import { encodeAlert } from "../../lib/wire/tls-alert.ts";
import { openBack, type Back, type Judged } from "./back.ts";
import { openFront, passed, passesTls, type Front } from "./front.ts";
import type { Mux } from "./mux.ts";
import { Refusal, refusedByRoute } from "./refusal.ts";
import { recordClosed, recordOpened, recordRefused } from "./record.ts";
import type { Route } from "./route.ts";
import type { RouteTable } from "./routes/table.ts";
import { sniff, type Arrival, type Told } from "./sniff.ts";
import { readStartup } from "./startup.ts";

/** What is known of a session so far, for its record. */
export interface Progress extends Told, Judged {
  readonly session: string;
  /** Milliseconds of `performance.now`. */
  readonly started: number;
  client: SocketAddress;
  hello: ClientHello | undefined;
  arrival: Arrival<Route> | undefined;
  front: Front | undefined;
  back: Back | undefined;
}

export class Session implements OpenConnection {
  readonly #mux: Mux;
  readonly #table: RouteTable<Route>;
  readonly #accepted: Conn;
  readonly #progress: Progress;
  #relay: Relay | undefined;
  #cut = false;
  #settled = false;
  #over: () => void = () => {};

  constructor(mux: Mux, table: RouteTable<Route>, accepted: Conn) {
    this.#mux = mux;
    this.#table = table;
    this.#accepted = accepted;
    this.#progress = {
      session: mux.nextSession(),
      started: performance.now(),
      client: accepted.remote,
      hello: undefined,
      arrival: undefined,
      front: undefined,
      back: undefined,
      target: "",
      authorised: undefined,
    };
  }

  /** Whether both sides are connected. */
  get relaying(): boolean {
    return this.#relay !== undefined;
  }

  get started(): number {
    return this.#progress.started;
  }

  get sent(): number {
    return this.#progress.front?.conn.received ?? 0;
  }

  get received(): number {
    return this.#progress.back?.conn.received ?? 0;
  }

  describe(): Described {
    const { client, hello, arrival, front, back, target, authorised } = this.#progress;
    const policy = authorised?.decision?.policy;
    const route = arrival?.route.name ?? "";
    return {
      who: front?.peer?.subject ?? "",
      client: formatAddress(client),
      target: back?.text ?? (target === "" ? (hello?.serverName ?? "") : target),
      route: policy === undefined ? route : `${route}, by ${policy}`,
      state: this.relaying
        ? "open"
        : arrival === undefined
          ? "sniffing"
          : front === undefined
            ? "handshake"
            : "dialling",
    };
  }

  /** `over` is told once, when it is. */
  begin(over: () => void): void {
    this.#over = over;
    void this.#open().then((refusal) => {
      if (refusal !== undefined) this.#settle(refusal);
    });
  }

  /** How it ended, before it came to relay or after; what comes later is dropped. */
  #settle(end: Refusal | RelayResult): void {
    if (this.#settled) return;
    this.#settled = true;
    const counts = this.#progress.arrival?.route.counts;
    if (counts !== undefined) counts.busy--;
    if (!(end instanceof Refusal)) {
      this.#over();
      return;
    }
    this.#progress.back?.conn.destroy();
    recordRefused(this.#mux, this.#progress, end);
    this.#dismiss(end);
  }

  /** Ends it at once, whatever it waits for: what comes of that later is dropped. */
  cut(): void {
    this.#cut = true;
    if (this.#relay !== undefined) this.#relay.cut();
    else this.#settle(this.#stopped());
  }

  #stopped(): Refusal {
    const { arrival, front } = this.#progress;
    const phase = arrival === undefined ? "hello" : front === undefined ? "handshake" : "dial";
    return new Refusal(phase, "cut", "the multiplexer is being stopped");
  }

  /** Tells a client that still waits for an answer to its hello why there is none. */
  #dismiss(refusal: Refusal): void {
    const { front } = this.#progress;
    const last = refusal.last ?? this.#alert(refusal);
    const conn = front?.conn ?? this.#accepted;
    if (last === undefined || this.#cut || conn.closed) {
      conn.destroy();
      this.#accepted.destroy();
      this.#over();
      return;
    }
    endWith(conn, last, this.#over);
  }

  #alert({ phase, decision }: Refusal): Uint8Array | undefined {
    const { arrival } = this.#progress;
    if (phase !== "dial" || arrival?.hello === undefined || arrival.route.settings.termination !== undefined)
      return undefined;
    return encodeAlert(decision === undefined ? "internal_error" : "access_denied");
  }

  /** Everything up to the relay; or why it did not come to that. */
  async #open(): Promise<Refusal | undefined> {
    const mux = this.#mux;
    const progress = this.#progress;
    const arrival = await sniff(this.#accepted, this.#table, mux.sniffRules, progress);
    if (arrival instanceof Refusal) return arrival;
    if (this.#cut) return this.#stopped();
    const { settings, counts } = arrival.route;
    progress.arrival = arrival;
    counts.chosen++;
    if (counts.busy++ >= settings.most)
      return new Refusal("handshake", "route_limit", "the route has as many connections as it may");
    if (settings.refuse !== undefined) return refusedByRoute(arrival, settings.refuse);
    const front = passesTls(arrival) ? passed(arrival) : await openFront(arrival, mux);
    if (front instanceof Refusal) return front;
    if (this.#cut) return this.#drop(front.conn);
    progress.front = front;
    if (settings.postgres && settings.termination !== undefined && arrival.cancel === undefined) {
      const refusal = await readStartup(arrival, front, mux.sniffRules);
      if (refusal !== undefined) return refusal;
      if (this.#cut) return this.#stopped();
    }
    const back = await openBack(arrival, front, mux, progress);
    if (back instanceof Refusal) return back;
    if (this.#cut) return this.#drop(back.conn);
    progress.back = back;
    if (front.conn.closed) return new Refusal("dial", "client_gone", "the client left before the target was reached");
    this.#copy(arrival, front, back);
    return undefined;
  }

  /** What was opened when it was no longer wanted. */
  #drop(conn: Conn): Refusal {
    conn.destroy();
    return this.#stopped();
  }

  #copy(arrival: Arrival<Route>, front: Front, back: Back): void {
    const { route, cancel } = arrival;
    const { counts, settings } = route;
    const progress = this.#progress;
    recordOpened(this.#mux, progress);
    counts.waits.observe((performance.now() - progress.started) / 1000);
    counts.open++;
    const pair = { client: front.conn, target: back.conn };
    counts.moving.begin(pair);
    unread(back.conn, back.early);
    // What passes as it is cannot be read along.
    const learns = settings.postgres && settings.termination !== undefined && cancel === undefined;
    const place = { route, text: back.text, open: back.again! };
    const learnt = learns ? this.#mux.cancellations.learn(back.conn, place) : undefined;
    const upstream = learnt?.conn ?? back.conn;
    const relayEnded = (result: RelayResult) => {
      learnt?.forget();
      counts.open--;
      counts.moving.end(pair);
      counts.lives.observe((performance.now() - progress.started) / 1000);
      recordClosed(this.#mux, progress, result);
      this.#settle(result);
    };
    this.#relay = new Relay(front.conn, upstream, this.#mux.settings.relayLimits, front.early, { relayEnded });
  }
}

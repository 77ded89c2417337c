/** A connection that a carrier carries, as log and status know it. Moves nothing. */
import { getSystemErrorMessage } from "node:util";
import type { Closed } from "../../lib/net/carrier/messages.ts";
import { formatAddress } from "../../lib/net/conn.ts";
import type { TcpAddress } from "../../lib/net/original-destination.ts";
import type { Described, OpenConnection } from "../../lib/status/connections.ts";
import type { LearnedWay } from "./captured-lane.ts";
import { recordClosed, recordOpened, type Recordable } from "./record.ts";
import type { Tproxy } from "./tproxy.ts";

/** One side, as far as it has come. */
interface CarriedConn {
  received: number;
  readonly tls: undefined;
}

export class CarriedSession implements OpenConnection {
  readonly started: number;
  readonly #tproxy: Tproxy;
  readonly #way: LearnedWay;
  readonly #record: Recordable;
  readonly #pair: { readonly client: CarriedConn; readonly target: CarriedConn };

  constructor(tproxy: Tproxy, way: LearnedWay, waited: number, remote: TcpAddress) {
    this.started = performance.now() - waited;
    this.#tproxy = tproxy;
    this.#way = way;
    this.#pair = { client: { received: 0, tls: undefined }, target: { received: 0, tls: undefined } };
    const { destination, route, host, target } = way.arrival;
    this.#record = {
      session: tproxy.nextSession(),
      started: this.started,
      remote,
      destination,
      client: undefined,
      arrival: { route, host, target, conn: this.#pair.client },
      back: { conn: this.#pair.target, address: way.target },
      decision: undefined,
      facts: {},
    };
    route.counts.moving.begin(this.#pair);
    recordOpened(tproxy, this.#record);
  }

  get sent(): number {
    return this.#pair.client.received;
  }

  get received(): number {
    return this.#pair.target.received;
  }

  describe(): Described {
    const { host, target, route } = this.#way.arrival;
    const client = formatAddress(this.#record.remote);
    return { who: "", client, target: `${host}:${target.port}`, route: route.name, state: "open" };
  }

  /** Bytes from the client, and from the target, so far. */
  moved(sent: number, received: number): void {
    this.#pair.client.received = sent;
    this.#pair.target.received = received;
  }

  closed({ sent, received, lasted, by, errno }: Closed): void {
    this.moved(sent, received);
    this.#way.arrival.route.counts.moving.end(this.#pair);
    const record = { ...this.#record, started: performance.now() - lasted };
    recordClosed(this.#tproxy, record, errno === 0 ? { by } : { by, error: new Error(getSystemErrorMessage(-errno)) });
  }
}

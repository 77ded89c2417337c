/** A connection that a carrier carries, as log, audit and status know it. Moves nothing. */
import { getSystemErrorMessage } from "node:util";
import type { Closed, Who } from "../../lib/net/carrier/messages.ts";
import { formatAddress } from "../../lib/net/conn.ts";
import type { Described, OpenConnection } from "../../lib/status/connections.ts";
import { UNASKED } from "./back.ts";
import type { Mux } from "./mux.ts";
import { passingAddress } from "./passing.ts";
import { recordClosed, recordOpened, type Recordable } from "./record.ts";
import type { Route } from "./route.ts";

/** One side, as far as it has come; TLS does not end here. */
interface PassedConn {
  received: number;
  readonly tls: undefined;
}

export class PassedSession implements OpenConnection {
  readonly started: number;
  readonly #mux: Mux;
  readonly #route: Route;
  readonly #record: Recordable;
  readonly #pair: { readonly client: PassedConn; readonly target: PassedConn };

  constructor(mux: Mux, route: Route, waited: number, { client, said }: Who) {
    this.started = performance.now() - waited;
    this.#mux = mux;
    this.#route = route;
    this.#pair = { client: { received: 0, tls: undefined }, target: { received: 0, tls: undefined } };
    const text = route.targetText;
    this.#record = {
      session: mux.nextSession(),
      started: this.started,
      client,
      hello: said,
      arrival: { route },
      front: { conn: this.#pair.client, peer: undefined },
      back: { conn: this.#pair.target, text, address: passingAddress(route) },
      target: text,
      authorised: UNASKED,
    };
    route.counts.moving.begin(this.#pair);
    recordOpened(mux, this.#record);
  }

  get sent(): number {
    return this.#pair.client.received;
  }

  get received(): number {
    return this.#pair.target.received;
  }

  describe(): Described {
    const { client, target } = this.#record;
    return { who: "", client: formatAddress(client), target, route: this.#route.name, state: "open" };
  }

  /** Bytes from the client, and from the target, so far. */
  moved(sent: number, received: number): void {
    this.#pair.client.received = sent;
    this.#pair.target.received = received;
  }

  closed({ sent, received, lasted, by, errno }: Closed): void {
    this.moved(sent, received);
    this.#route.counts.moving.end(this.#pair);
    const record = { ...this.#record, started: performance.now() - lasted };
    recordClosed(this.#mux, record, errno === 0 ? { by } : { by, error: new Error(getSystemErrorMessage(-errno)) });
  }
}

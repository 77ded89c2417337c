/** A connection that a carrier carries, as log and audit know it. Moves and counts nothing. */
import { getSystemErrorMessage } from "node:util";
import type { Closed, Who } from "../../lib/net/carrier/messages.ts";
import { UNASKED } from "./back.ts";
import type { Mux } from "./mux.ts";
import { passingAddress } from "./passing.ts";
import { recordClosed, recordOpened, type Recordable } from "./record.ts";
import type { Route } from "./route.ts";

export class PassedSession {
  readonly #mux: Mux;
  readonly #record: Recordable & { back: NonNullable<Recordable["back"]> };

  constructor(mux: Mux, route: Route, waited: number, { client, said }: Who) {
    this.#mux = mux;
    const text = route.targetText;
    this.#record = {
      session: mux.nextSession(),
      started: performance.now() - waited,
      client,
      hello: said,
      arrival: { route },
      front: frontOf(0),
      back: { conn: { received: 0 }, text, address: passingAddress(route) },
      target: text,
      authorised: UNASKED,
    };
    recordOpened(mux, this.#record);
  }

  closed({ sent, received, lasted, by, errno }: Closed): void {
    const back = { ...this.#record.back, conn: { received } };
    const record = { ...this.#record, front: frontOf(sent), back, started: performance.now() - lasted };
    recordClosed(this.#mux, record, errno === 0 ? { by } : { by, error: new Error(getSystemErrorMessage(-errno)) });
  }
}

/** TLS does not end here. */
function frontOf(received: number): Recordable["front"] {
  return { conn: { received, tls: undefined }, peer: undefined };
}

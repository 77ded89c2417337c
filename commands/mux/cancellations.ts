/** Where the open PostgreSQL sessions of a multiplexer are, by the key that cancels each. Sends nothing. */
import type { Conn } from "../../lib/net/conn.ts";
import { Overheard } from "../../lib/net/overheard.ts";
import { CancelKeyScan, type CancelKey } from "../../lib/session/postgres-cancel.ts";
import type { Refusal } from "./refusal.ts";
import type { Route } from "./route.ts";

/** The target of a session. */
export interface CancelPlace {
  route: Route;
  text: string;
  /** As the session is: `header` comes ahead of TLS. */
  open: (header: Uint8Array | undefined) => Promise<Conn | Refusal>;
}

export class Cancellations {
  readonly #places = new Map<CancelKey, CancelPlace>();

  find(key: CancelKey): CancelPlace | undefined {
    return this.#places.get(key);
  }

  /** The same connection to a target, on whose way the key is learnt. `forget` is for its end. */
  learn(conn: Conn, place: CancelPlace): { conn: Conn; forget: () => void } {
    const scan = new CancelKeyScan();
    const listen = (chunk: Uint8Array) => {
      scan.read(chunk);
      if (scan.key !== undefined) this.#places.set(scan.key, place);
      return !scan.over;
    };
    const forget = () => {
      scan.over = true;
      if (scan.key !== undefined && this.#places.get(scan.key) === place) this.#places.delete(scan.key);
    };
    return { conn: new Overheard(conn, listen), forget };
  }
}

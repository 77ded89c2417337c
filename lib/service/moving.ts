/** Bytes that open connections have moved so far: what lasts for days is seen before it ends. */
import type { Conn } from "../net/conn.ts";

/** Both sides of a connection that is relayed. */
interface Pair {
  readonly client: Pick<Conn, "received">;
  readonly target: Pick<Conn, "received">;
}

export class Moving {
  readonly #pairs = new Set<Pair>();

  begin(pair: Pair): void {
    this.#pairs.add(pair);
  }

  end(pair: Pair): void {
    this.#pairs.delete(pair);
  }

  /** Bytes from clients. */
  get sent(): number {
    let sent = 0;
    for (const { client } of this.#pairs) sent += client.received;
    return sent;
  }

  /** Bytes from targets. */
  get received(): number {
    let received = 0;
    for (const { target } of this.#pairs) received += target.received;
    return received;
  }
}

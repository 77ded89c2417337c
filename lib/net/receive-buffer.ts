/** What a `Conn` receives before anybody has attached to it, kept in order and handed over. Bounded by the pause that comes with it. */
import type { ConnEvents } from "./conn.ts";

export class ReceiveBuffer implements ConnEvents {
  readonly #conn: { pause(): void; resume(): void };
  #chunks: Uint8Array[] = [];
  #ended = false;

  constructor(conn: { pause(): void; resume(): void }) {
    this.#conn = conn;
  }

  data(chunk: Uint8Array): void {
    if (this.#chunks.length === 0) this.#conn.pause();
    this.#chunks.push(chunk);
  }

  get holding(): boolean {
    return this.#chunks.length > 0;
  }

  drain(): void {}

  end(): void {
    this.#ended = true;
  }

  /** The connection itself remembers that it is closed. */
  close(): void {}

  /** Gives what came so far to `events`, and lets the rest come. */
  release(events: ConnEvents): void {
    if (this.#chunks.length > 0) this.#conn.resume();
    for (const chunk of this.#chunks) events.data(chunk);
    if (this.#ended) events.end();
  }
}

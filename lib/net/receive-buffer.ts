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
    this.#conn.pause();
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

  /** Gives what came so far to `events`, in one piece since its receiver may go on to read the socket itself, and lets the rest come. */
  release(events: ConnEvents): void {
    const [first, ...more] = this.#chunks;
    if (first !== undefined) {
      this.#conn.resume();
      events.data(more.length === 0 ? first : Buffer.concat(this.#chunks));
    }
    if (this.#ended) events.end();
  }
}

/** A `Conn` whose first bytes are read along on their way to its receiver. Changes and delays none. */
import type { Conn, ConnEvents, SocketAddress, TlsInfo } from "./conn.ts";

/** Told each chunk; false ends it. */
type Listen = (chunk: Uint8Array) => boolean;

export class Overheard implements Conn {
  readonly #conn: Conn;
  readonly #listen: Listen;

  constructor(conn: Conn, listen: Listen) {
    this.#conn = conn;
    this.#listen = listen;
  }

  get remote(): SocketAddress {
    return this.#conn.remote;
  }
  get local(): SocketAddress {
    return this.#conn.local;
  }
  get tls(): TlsInfo | undefined {
    return this.#conn.tls;
  }
  get received(): number {
    return this.#conn.received;
  }
  get sent(): number {
    return this.#conn.sent;
  }
  get buffered(): number {
    return this.#conn.buffered;
  }
  get closed(): boolean {
    return this.#conn.closed;
  }

  attach(events: ConnEvents): void {
    const conn = this.#conn;
    const listen = this.#listen;
    conn.attach({
      data(chunk) {
        // From then on nothing stands in between.
        if (!listen(chunk)) conn.attach(events);
        events.data(chunk);
      },
      drain: () => events.drain(),
      end: () => events.end(),
      close: (error) => events.close(error),
    });
  }

  write(bytes: Uint8Array): boolean {
    return this.#conn.write(bytes);
  }
  pause(): void {
    this.#conn.pause();
  }
  resume(): void {
    this.#conn.resume();
  }
  end(): void {
    this.#conn.end();
  }
  destroy(): void {
    this.#conn.destroy();
  }
}

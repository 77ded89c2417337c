/** What every adapter of a socket to `Conn` has in common: its counts, its age, and the receiver of its events. Knows no socket. */
import type { ConnEvents } from "./conn.ts";
import { ReceiveBuffer } from "./receive-buffer.ts";
import { Probed } from "./keep-alive.ts";

export abstract class BaseConn extends Probed {
  received = 0;
  sent = 0;
  closed = false;
  /** Undefined until the first receiver attaches; a `ReceiveBuffer` once something came before. */
  #events: ConnEvents | undefined;
  #error: Error | undefined;

  abstract pause(): void;
  abstract resume(): void;

  attach(events: ConnEvents): void {
    const before = this.#events;
    this.#events = events;
    if (before instanceof ReceiveBuffer) before.release(events);
    if (this.closed) events.close(this.#error);
  }

  /** Whether it holds bytes that no receiver has got yet. */
  get holding(): boolean {
    return this.#events instanceof ReceiveBuffer && this.#events.holding;
  }

  /** To whom an event goes now. */
  protected get receiver(): ConnEvents {
    return (this.#events ??= new ReceiveBuffer(this));
  }

  /** The last event, for good. */
  protected finish(error: Error | undefined): void {
    this.closed = true;
    this.#error = error;
    this.gone();
    this.#events?.close(error);
  }
}

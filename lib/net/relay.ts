/** The only code that copies bytes between two `Conn`s: both ways, with backpressure and half-close. Decides nothing. */
import type { Conn, ConnEvents } from "./conn.ts";
import { stayAwake } from "./awake.ts";

/** Milliseconds; 0 is no limit. */
export interface RelayLimits {
  /** No byte in either direction for so long. */
  idle: number;
  /** Age of the relay. */
  lifetime: number;
  /** How long one direction may go on after the other has ended. */
  halfClosed: number;
}

export type RelayEnd = "client" | "upstream" | "idle" | "lifetime" | "half_closed" | "cut";

export interface RelayResult {
  /** Which side ended first, or which limit cut the relay. */
  by: RelayEnd;
  /** What the system said when a side ended out of order. */
  error?: Error;
}

type Timer = ReturnType<typeof setTimeout> | undefined;

/** Chunks below this are a dialogue, not bulk: the answer is expected soon. */
const DIALOGUE = 1024;

/**
 * Copies between `client` and `upstream` until both are closed, then calls `done` once.
 * Nothing is buffered beyond what one `write` did not place: a slow reader pauses its peer.
 */
export class Relay {
  readonly client: Conn;
  readonly upstream: Conn;
  readonly #limits: RelayLimits;
  readonly #done: (result: RelayResult) => void;
  #by: RelayEnd | undefined;
  #error: Error | undefined;
  #open = 2;
  #ended = 0;
  #lifetime: Timer;
  #halfClosed: Timer;
  #idle: Timer;

  constructor(client: Conn, upstream: Conn, limits: RelayLimits, done: (result: RelayResult) => void) {
    this.client = client;
    this.upstream = upstream;
    this.#limits = limits;
    this.#done = done;
    client.attach(this.#receiver(client, upstream, "client"));
    upstream.attach(this.#receiver(upstream, client, "upstream"));
    if (limits.lifetime > 0) this.#lifetime = setTimeout(() => this.cut("lifetime"), limits.lifetime);
    if (limits.idle > 0) this.#watchIdle(limits.idle, this.#moved());
  }

  /** Ends both sides at once. */
  cut(by: RelayEnd = "cut"): void {
    this.#by ??= by;
    this.client.destroy();
    this.upstream.destroy();
  }

  #receiver(from: Conn, to: Conn, name: "client" | "upstream"): ConnEvents {
    return {
      data: (chunk) => {
        if (!to.write(chunk)) from.pause();
        else if (chunk.length < DIALOGUE) stayAwake();
      },
      drain: () => to.resume(),
      end: () => this.#onEnd(to, name),
      close: (error) => this.#onClose(to, name, error),
    };
  }

  #onEnd(to: Conn, name: "client" | "upstream"): void {
    this.#by ??= name;
    this.#ended++;
    to.end();
    const { halfClosed } = this.#limits;
    if (this.#ended === 1 && halfClosed > 0) this.#halfClosed = setTimeout(() => this.cut("half_closed"), halfClosed);
  }

  /** After an orderly end of both directions `to` closes by itself once its last bytes are out; an abort must be passed on. */
  #onClose(to: Conn, name: "client" | "upstream", error: Error | undefined): void {
    this.#by ??= name;
    this.#error ??= error;
    if (!to.closed) {
      if (error !== undefined) to.destroy();
      else {
        to.end();
        to.resume();
      }
    }
    if (--this.#open > 0) return;
    clearTimeout(this.#lifetime);
    clearTimeout(this.#halfClosed);
    clearTimeout(this.#idle);
    this.#done(this.#error === undefined ? { by: this.#by } : { by: this.#by, error: this.#error });
  }

  /** One timer an interval, not one a chunk: it looks whether bytes moved since it was set. */
  #watchIdle(ms: number, before: number): void {
    this.#idle = setTimeout(() => {
      const now = this.#moved();
      if (now === before) this.cut("idle");
      else this.#watchIdle(ms, now);
    }, ms);
  }

  #moved(): number {
    return this.client.received + this.upstream.received;
  }
}

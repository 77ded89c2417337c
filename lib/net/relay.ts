/** The only code that copies bytes between two `Conn`s: both ways, with backpressure and half-close. Decides nothing. */
import type { Conn, ConnEvents, Early } from "./conn.ts";
import { stayAwake } from "./awake.ts";
import { Watch, type WatchLimits } from "./watch.ts";

/** Milliseconds; 0 is no limit. */
export interface RelayLimits extends WatchLimits {
  /** How long one direction may go on after the other has ended. */
  halfClosed: number;
  /** Whether to poll a moment for the next chunk of a dialogue (awake.ts): quicker answers for more CPU time. */
  poll?: boolean;
}

type RelayEnd = "client" | "upstream" | "idle" | "lifetime" | "half_closed" | "cut";

export interface RelayResult {
  /** Which side ended first, or which limit cut the relay. */
  by: RelayEnd;
  /** What the system said when a side ended out of order. */
  error?: Error;
}

/** Told once that both sides are closed. */
export interface RelayEnded {
  relayEnded(result: RelayResult): void;
}

/** Chunks below this are a dialogue, not bulk: the answer is expected soon. */
const DIALOGUE = 1024;
/** Chunks from here on are bulk: more is waiting, and may go past us. */
const BULK = 64 * 1024;

/**
 * Copies between `client` and `upstream` until both are closed, then tells `done` once.
 * Nothing is buffered beyond what one `write` did not place: a slow reader pauses its peer.
 */
export class Relay {
  readonly client: Conn;
  readonly upstream: Conn;
  readonly #limits: RelayLimits;
  readonly #done: RelayEnded;
  readonly #watch: Watch | undefined;
  #halfClosed: ReturnType<typeof setTimeout> | undefined;
  #by: RelayEnd | undefined;
  #error: Error | undefined;
  #open = 2;
  #ended = 0;

  constructor(client: Conn, upstream: Conn, limits: RelayLimits, early: Early, done: RelayEnded) {
    this.client = client;
    this.upstream = upstream;
    this.#limits = limits;
    this.#done = done;
    if (limits.idle > 0 || limits.lifetime > 0) {
      this.#watch = new Watch(
        limits,
        () => moved(client) + moved(upstream),
        (by) => this.cut(by),
      );
    }
    const fromClient = new Direction(this, client, upstream, "client");
    if (early.bytes.length > 0) {
      client.resume();
      // Ahead of what came since and is held, and past which nothing may go.
      if (!upstream.write(early.bytes)) client.pause();
    }
    client.attach(fromClient);
    if (early.ended) fromClient.end();
    upstream.attach(new Direction(this, upstream, client, "upstream"));
  }

  get polls(): boolean {
    return this.#limits.poll === true;
  }

  /** Ends both sides at once. */
  cut(by: RelayEnd = "cut"): void {
    // Whichever side ended its direction before: it is this that ends the relay.
    this.#by = by;
    this.client.destroy();
    this.upstream.destroy();
  }

  /** Called by a direction whose peer has ended it. */
  ended(name: "client" | "upstream"): void {
    this.#by ??= name;
    this.#ended++;
    const { halfClosed } = this.#limits;
    if (this.#ended === 1 && halfClosed > 0) this.#halfClosed = setTimeout(() => this.cut("half_closed"), halfClosed);
  }

  /** Notes which side was the first to be gone, and why. */
  blame(name: "client" | "upstream", error: Error | undefined): void {
    this.#by ??= name;
    this.#error ??= error;
  }

  /** Called by a direction whose source is gone. */
  closed(): void {
    if (--this.#open > 0) return;
    this.#watch?.stop();
    clearTimeout(this.#halfClosed);
    const by = this.#by ?? "cut";
    this.#done.relayEnded(this.#error === undefined ? { by } : { by, error: this.#error });
  }
}

/** Bytes that crossed the connection; those that wait for a slow reader have not. */
function moved(conn: Conn): number {
  return conn.received + conn.sent - conn.buffered;
}

/** What comes from one side and goes to the other. */
class Direction implements ConnEvents {
  readonly #relay: Relay;
  readonly #from: Conn;
  readonly #to: Conn;
  readonly #name: "client" | "upstream";
  #ended = false;

  constructor(relay: Relay, from: Conn, to: Conn, name: "client" | "upstream") {
    this.#relay = relay;
    this.#from = from;
    this.#to = to;
    this.#name = name;
  }

  data(chunk: Uint8Array): void {
    if (!this.#to.write(chunk)) this.#from.pause();
    else if (chunk.length < DIALOGUE) {
      if (this.#relay.polls) stayAwake();
    } else if (chunk.length >= BULK && this.#from.pumpTo?.(this.#to, chunk) === false) this.#from.pause();
  }

  drain(): void {
    this.#to.resume();
  }

  end(): void {
    this.#ended = true;
    this.#relay.ended(this.#name);
    this.#to.end();
  }

  /**
   * After an orderly end of both directions `to` closes by itself once its last bytes are out. An abort is passed on,
   * the peer's or our own, after which no end came: nobody may take half of a stream for all of it.
   */
  close(error: Error | undefined): void {
    // First, since ending the other side may call back at once.
    this.#relay.blame(this.#name, error);
    if (!this.#to.closed) {
      if (error !== undefined || !this.#ended) this.#to.destroy();
      else {
        this.#to.end();
        this.#to.resume();
      }
    }
    this.#relay.closed();
  }
}

/** A `Conn` as a Node stream, for libraries that take nothing else (node:http). Bulk relays use `Relay` instead. */
import { Duplex } from "node:stream";
import { IGNORE, type Conn, type Early } from "./conn.ts";
import { Diversion } from "./diversion.ts";

type Done = (error?: Error | null) => void;

export class ConnDuplex extends Duplex {
  readonly conn: Conn;
  #written: Done | undefined;
  #attached = true;
  #ended = false;
  #held = false;
  #diversion: Diversion | undefined;
  /** Runs when all of what was diverted has come. */
  whenWhole: (() => void) | undefined;
  /**
   * Where it answers true nothing more is read, until `relax`: for a reader that takes all it gets, as the runtime's HTTP
   * server does.
   */
  throttle: (() => boolean) | undefined;

  /** `early` was read from `conn` already. */
  constructor(conn: Conn, early?: Early) {
    super({ allowHalfOpen: true, autoDestroy: true });
    this.conn = conn;
    if (early !== undefined && early.bytes.length > 0) this.push(early.bytes);
    if (early?.ended) this.#onEnd();
    conn.attach({
      data: (chunk) => {
        if (this.#diversion !== undefined) this.#diversion.data(chunk);
        else if (!this.push(chunk) || this.throttle?.()) conn.pause();
      },
      drain: () => this.#release(),
      end: () => this.#onEnd(),
      close: (error) => this.#onClose(error),
    });
  }

  #onEnd(): void {
    if (this.#diversion?.end()) return;
    this.#ended = true;
    this.push(null);
  }

  /** What was received before an orderly end is still to be read; whoever waits for more than that is told. */
  #onClose(error: Error | undefined): void {
    this.#release();
    this.#diversion?.close(error);
    if (this.#diversion !== undefined) this.destroy(error);
    else if (error !== undefined || !this.#ended || this.readableEnded) this.destroy(error);
    else this.once("end", () => this.destroy());
  }

  /** Reads nothing more, so that `divert` can be called when all was handed out that was read. */
  hold(): void {
    this.#held = true;
    this.conn.pause();
  }

  /** Reads on: nothing is to be diverted after all. */
  unhold(): void {
    this.#held = false;
    if (!this.throttle?.()) this.relax();
  }

  /** The next `length` bytes do not come out of this stream, and none behind them: `whole` runs when they are there. */
  divert(length: number, whole: () => void): Diversion {
    return (this.#diversion = new Diversion(this.conn, length, () => {
      whole();
      this.whenWhole?.();
    }));
  }

  /** What was diverted last. */
  get diversion(): Diversion | undefined {
    return this.#diversion;
  }

  /** Gives the connection back: this stream neither reads, writes nor ends it any more. */
  detach(): Conn {
    this.#attached = false;
    this.conn.attach(IGNORE);
    return this.conn;
  }

  #release(): void {
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }

  override _read(): void {
    if (!this.throttle?.()) this.relax();
  }

  /** Reads on after `throttle` answered true. */
  relax(): void {
    if (this.#attached && !this.#held) this.conn.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: Done): void {
    if (!this.#attached || this.conn.write(chunk)) done();
    else this.#written = done;
  }

  override _final(done: Done): void {
    if (this.#attached) this.conn.end();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    if (this.#attached && !this.conn.closed) this.conn.destroy();
    done(error);
  }
}

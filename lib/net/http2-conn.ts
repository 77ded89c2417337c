/** An HTTP/2 connection, of either side, whose streams are `Conn`s, each with the windows as its backpressure. Knows no request. */
import type { HeaderField } from "../wire/hpack.ts";
import type { Http2Session } from "../session/http2-session.ts";
import type { Http2Events, Http2Stream } from "../session/http2-stream.ts";
import type { Conn, ConnEvents, Early } from "./conn.ts";
import { endWith } from "./linger.ts";
import { Http2StreamConn } from "./http2-stream-conn.ts";

/** Content that is written at once, frames included, and what of it one stream gets before it is another's turn. */
const WRITE = 256 * 1024;
const TURN = 64 * 1024;
/** Answers to what a peer asks of us (settings, pings, resets) that it may leave unread. */
const MOST_UNREAD = 1024 * 1024;

/** For all connections: bytes stay in it no longer than one call. What the system did not take needs it, and gets it. */
let scratch: Buffer = Buffer.alloc(0);

export interface Http2Told {
  /** The last stream closed. */
  idle(): void;
  /** The peer broke the protocol; the connection is closed politely. */
  failed(reason: string): void;
  /** The connection is gone, all streams before it; with the error if it was no orderly end. */
  closed(error?: Error): void;
}

export abstract class Http2Conn implements ConnEvents, Http2Events {
  readonly conn: Conn;
  abstract readonly session: Http2Session;
  /** What the other side is, for people. */
  abstract readonly peer: "client" | "proxy";
  /** What a stream that is given up is reset with. */
  abstract readonly giveUp: number;
  readonly #told: Http2Told;
  readonly #streams = new Set<Http2StreamConn>();
  /** Those with something to send, in turn. */
  readonly #waiting = new Set<Http2StreamConn>();
  /** Frames that go out together, at the end of the call that made them. */
  #pending: Uint8Array[] = [];
  #corked = false;
  #blocked = false;
  #over = false;

  constructor(conn: Conn, told: Http2Told) {
    this.conn = conn;
    this.#told = told;
  }

  abstract head(stream: Http2Stream, fields: readonly HeaderField[] | undefined, ended: boolean): void;

  /** `early` was read already. */
  begin(early: Early): void {
    this.together(() => this.session.start());
    if (early.bytes.length > 0) this.data(early.bytes);
    // After a farewell somebody else listens for the end.
    if (!this.#over || this.conn.closed) this.conn.attach(this);
    if (early.ended && !this.#over) this.end();
  }

  get open(): number {
    return this.#streams.size;
  }

  /** Tells the peer that there are to be no more streams. */
  goAway(): void {
    this.session.goAway();
  }

  /** Ends the connection, with words of farewell. */
  leave(): void {
    this.session.goAway();
    this.#finish();
  }

  /** Breaks the connection off, for want of a peer. */
  abandon(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    for (const stream of this.#streams) stream.broken(new Error(reason));
    this.conn.destroy();
  }

  data(chunk: Uint8Array): void {
    this.#corked = true;
    this.session.receive(chunk, performance.now());
    this.#uncork();
  }

  drain(): void {
    this.#blocked = false;
    this.pump();
  }

  /** Nobody can open a stream any more; those that are there end with the connection. */
  end(): void {
    this.conn.destroy();
  }

  close(error?: Error): void {
    this.#over = true;
    for (const stream of this.#streams) stream.broken(error ?? new Error(`the ${this.peer} closed the connection`));
    this.#told.closed(error);
  }

  send(bytes: Uint8Array): void {
    this.#pending.push(bytes);
    if (!this.#corked) this.#flush();
  }

  window(): void {
    this.pump();
  }

  failed(reason: string): void {
    this.#told.failed(reason);
    this.#finish(`the ${this.peer} broke the protocol: ${reason}`);
  }

  /** A stream begins. */
  protected joined(stream: Http2StreamConn): void {
    this.#streams.add(stream);
  }

  /** Has what is said meanwhile go out together. */
  protected together(say: () => void): void {
    const corked = this.#corked;
    this.#corked = true;
    say();
    if (!corked) this.#uncork();
  }

  /** A stream is gone. */
  left(stream: Http2StreamConn): void {
    this.#waiting.delete(stream);
    if (this.#streams.delete(stream) && this.#streams.size === 0 && !this.#over) this.#told.idle();
  }

  /** `stream` has something to send, or wants to hear that it may. */
  wait(stream: Http2StreamConn): void {
    this.#waiting.add(stream);
  }

  /** Gives those that wait their turns, until nothing more goes. */
  pump(): void {
    for (const stream of this.#waiting) {
      if (this.#blocked || this.#over || this.session.sendWindow <= 0) return;
      this.#waiting.delete(stream);
      // Whoever sent his part and has more is at the end of the line again.
      stream.turn(TURN);
    }
  }

  get blocked(): boolean {
    return this.#blocked;
  }

  /** Sends what there is room for of `bytes` from `start` on, `most` bytes at most; answers how many. */
  transmit(stream: Http2Stream, bytes: Uint8Array, start: number, most = Infinity): number {
    const { session } = this;
    let at = start;
    const until = Math.min(bytes.length, start + most);
    while (at < until && !this.#blocked) {
      const length = Math.min(session.room(stream), until - at, WRITE - WRITE / 16);
      if (length === 0) break;
      this.#flush();
      const size = session.framed(length);
      if (scratch.length < size) scratch = Buffer.allocUnsafeSlow(WRITE);
      session.putData(scratch, 0, stream, bytes, at, length);
      this.#write(scratch, size);
      at += length;
    }
    return at - start;
  }

  /** Writes the first `size` bytes of the scratch memory. */
  #write(from: Buffer, size: number): void {
    if (this.conn.write(from.subarray(0, size)) && this.conn.buffered === 0) return;
    this.#blocked = true;
    scratch = Buffer.alloc(0);
  }

  #uncork(): void {
    this.#corked = false;
    this.#flush();
  }

  #flush(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    if (!this.conn.write(pending.length === 1 ? pending[0]! : Buffer.concat(pending))) this.#blocked = true;
    if (this.conn.buffered > MOST_UNREAD) this.conn.destroy();
  }

  /** The farewell is out; nobody listens any more. */
  #finish(reason = "the connection was ended"): void {
    if (this.#over) return;
    this.#over = true;
    this.#corked = false;
    this.#flush();
    for (const stream of this.#streams) stream.broken(new Error(reason));
    if (!this.conn.closed) endWith(this.conn, undefined, () => this.#told.closed());
  }
}

/** One stream of an HTTP/2 connection as a `Conn`: half-close is END_STREAM, an abort RST_STREAM, backpressure its windows. */
import type { Http2Stream, StreamEvents } from "../session/http2-stream.ts";
import { Prefix } from "../session/prefix.ts";
import { H2_ERROR } from "../wire/http2.ts";
import { BaseConn } from "./base-conn.ts";
import type { Conn, SocketAddress, TlsInfo } from "./conn.ts";
import type { Http2Conn } from "./http2-conn.ts";
import { KeepAlive } from "./keep-alive.ts";

/** The connection below has its own. */
const NO_PROBES = new KeepAlive(0);

export class Http2StreamConn extends BaseConn implements Conn, StreamEvents {
  protected readonly below: Http2Conn;
  protected readonly stream: Http2Stream;
  /** What came while nobody read: copied, lest a byte holds the chunk that it came in. The peer's window bounds it. */
  #held = new Prefix();
  /** Bytes that are in nobody's hands yet, or that their reader could not pass on. */
  #unread = 0;
  #paused = false;
  #peerEnded = false;
  #endTold = false;
  /** What there was no room for; the first one from `#from` on. */
  #queue: Uint8Array[] = [];
  #from = 0;
  #queued = 0;
  #wantsDrain = false;
  #ending = false;

  constructor(below: Http2Conn, stream: Http2Stream) {
    super(NO_PROBES);
    this.below = below;
    this.stream = stream;
    stream.events = this;
  }

  get id(): number {
    return this.stream.id;
  }

  get remote(): SocketAddress {
    return this.below.conn.remote;
  }

  get local(): SocketAddress {
    return this.below.conn.local;
  }

  get tls(): TlsInfo | undefined {
    return this.below.conn.tls;
  }

  get buffered(): number {
    return this.#queued;
  }

  /** Whether all that was written is out, and END_STREAM behind it. */
  get endSent(): boolean {
    return this.stream.weEnded;
  }

  override probeAfter(): void {}

  write(bytes: Uint8Array): boolean {
    if (this.closed || this.#ending) return true;
    this.sent += bytes.length;
    const taken = this.#queue.length === 0 ? this.below.transmit(this.stream, bytes, 0) : 0;
    if (taken === bytes.length && !this.below.blocked) return true;
    this.#wantsDrain = true;
    if (taken < bytes.length) {
      this.#queue.push(taken === 0 ? bytes : bytes.subarray(taken));
      this.#queued += bytes.length - taken;
    }
    this.below.wait(this);
    return false;
  }

  /** Its turn to send `most` bytes. */
  turn(most: number): void {
    if (this.closed) return;
    while (this.#queue.length > 0 && most > 0) {
      const head = this.#queue[0]!;
      const taken = this.below.transmit(this.stream, head, this.#from, most);
      if (taken === 0) break;
      most -= taken;
      this.#from += taken;
      this.#queued -= taken;
      if (this.#from === head.length) {
        this.#queue.shift();
        this.#from = 0;
      }
    }
    if (this.#queue.length > 0) {
      // Else its own window is shut: `onWindow` tells.
      if (this.stream.sendWindow > 0) this.below.wait(this);
    } else if (this.below.blocked) this.below.wait(this);
    else if (this.#ending) this.#sendEnd();
    else if (this.#wantsDrain) {
      this.#wantsDrain = false;
      this.receiver.drain();
    }
  }

  pause(): void {
    this.#paused = true;
  }

  /** What was held comes a moment later: whoever takes over has something to say first. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    queueMicrotask(() => this.#deliver());
  }

  end(): void {
    if (this.closed || this.#ending) return;
    this.#ending = true;
    if (this.#queue.length === 0) this.#sendEnd();
  }

  /** RFC 9113 section 8.5: what TCP would have reset. */
  destroy(): void {
    this.reset(this.below.giveUp);
  }

  reset(code: number): void {
    if (this.closed) return;
    this.below.session.reset(this.stream, code);
    this.depart(undefined);
  }

  /** The connection below is gone. */
  broken(error: Error): void {
    if (!this.closed) this.depart(error);
  }

  onData(chunk: Uint8Array): void {
    if (this.closed) return;
    this.#unread += chunk.length;
    if (this.#paused || this.#holding) this.#held.append(this.#holding ? chunk : chunk.slice());
    else this.#give(chunk);
    this.#credit();
  }

  onEnd(): void {
    this.#peerEnded = true;
    this.#tellEnd();
  }

  onWindow(): void {
    if (this.#queue.length === 0 && !this.#wantsDrain) return;
    this.below.wait(this);
    this.below.pump();
  }

  onReset(code: number): void {
    if (this.closed) return;
    if (code !== H2_ERROR.none || !this.#peerEnded) {
      this.depart(new StreamReset(code, this.below.peer));
      return;
    }
    // RFC 9113 section 8.1: it has said all, and wants no more of ours. What is held of it is still to be read.
    this.#ending = true;
    this.#queue = [];
    this.#queued = this.#from = 0;
    this.#closeIfOver();
  }

  #deliver(): void {
    const { bytes } = this.#held;
    if (this.#paused || this.closed) return;
    this.#held = new Prefix();
    if (bytes.length > 0) this.#give(bytes);
    this.#credit();
    this.#tellEnd();
  }

  get #holding(): boolean {
    return this.#held.bytes.length > 0;
  }

  #give(chunk: Uint8Array): void {
    this.received += chunk.length;
    this.receiver.data(chunk);
  }

  /** Not while its reader waits: what it has then is all that it may have. */
  #credit(): void {
    if (this.#paused || this.#holding) return;
    this.below.session.credit(this.stream, this.#unread);
    this.#unread = 0;
  }

  #tellEnd(): void {
    if (!this.#peerEnded || this.#endTold || this.#holding || this.closed) return;
    this.#endTold = true;
    this.receiver.end();
    this.#closeIfOver();
  }

  #sendEnd(): void {
    this.below.session.end(this.stream);
    this.#closeIfOver();
  }

  #closeIfOver(): void {
    if (this.stream.closed && this.#endTold && !this.closed) this.depart(undefined);
  }

  protected depart(error: Error | undefined): void {
    this.#queue = [];
    this.#held = new Prefix();
    this.#queued = 0;
    this.finish(error);
    this.below.left(this);
  }
}

/** By the peer. */
export class StreamReset extends Error {
  /** Of RFC 9113 section 7. */
  readonly code: number;

  constructor(code: number, peer: string) {
    super(`the ${peer} reset the stream (${CODES[code] ?? code})`);
    this.code = code;
  }
}

const CODES: Record<number, string | undefined> = Object.fromEntries(
  Object.entries(H2_ERROR).map(([name, code]) => [code, name]),
);

/** What both sides of an HTTP/2 connection do alike (RFC 9113): bytes in, events and bytes out. Knows no socket. Who opens streams is for http2-server.ts and http2-client.ts. */
import {
  DEFAULT_WINDOW,
  encodeFrame,
  encodeReset,
  encodeWindowUpdate,
  FLAG,
  FRAME,
  H2_ERROR,
  MOST_WINDOW,
  uint32,
} from "../wire/http2.ts";
import { NOTHING } from "./front.ts";
import { areTrailers, checkFrame, decodeSettings, type PeerSettings } from "./http2-check.ts";
import { broken, calm, ConnectionError, overflow } from "./http2-error.ts";
import { FieldBlocks, type FieldBlock } from "./http2-fields.ts";
import { FloodLimit } from "./http2-flood.ts";
import { Http2Frames, type FrameEvents } from "./http2-frames.ts";
import { Http2Sending } from "./http2-sending.ts";
import { STREAM_WINDOW, type Http2Events, type Http2Limits, type Http2Stream } from "./http2-stream.ts";

/**
 * Of the connection. Given back as bytes come, whoever reads them: a stream that stalls is stopped by its own window, and
 * takes nothing from the others. So a connection holds at most its streams times their window.
 */
const CONNECTION_WINDOW = 16 * 1024 * 1024;

export abstract class Http2Session extends Http2Sending implements FrameEvents<Http2Stream> {
  readonly #frames: Http2Frames<Http2Stream>;
  readonly #blocks: FieldBlocks;
  readonly #flood = new FloodLimit();
  #settled = false;
  #receiveWindow = CONNECTION_WINDOW;
  #now = 0;

  /** `prefaced`: the peer begins with the preface of clients. */
  constructor(limits: Http2Limits, events: Http2Events, prefaced: boolean) {
    super(limits, events);
    this.#frames = new Http2Frames<Http2Stream>(this, prefaced);
    this.#blocks = new FieldBlocks(limits.head);
  }

  /** What we begin with. To be called first. */
  abstract start(): void;
  /** A header block of a stream that is not open, or not open yet. */
  protected abstract onBlock(block: FieldBlock, stream: Http2Stream | undefined): void;
  /** The peer's settings, other than those that both sides have. */
  protected abstract onPeerSettings(settings: PeerSettings): void;
  /** Whether a reset by the peer counts against it; `known`: of a stream that was open, or that we reset. */
  protected abstract countsReset(known: boolean): boolean;
  protected abstract onGoAway(lastStream: number, code: number): void;
  protected abstract onPong(): void;
  /** The windows that we give, beyond those of the settings. */
  protected openWindow(): void {
    this.send(encodeWindowUpdate(0, CONNECTION_WINDOW - DEFAULT_WINDOW));
  }

  /** Whether the peer's settings have come. */
  get settled(): boolean {
    return this.#settled;
  }

  /** Takes bytes in any split; they are this session's from here on. `now` in milliseconds. */
  receive(bytes: Uint8Array, now: number): void {
    if (this.over) return;
    this.#now = now;
    try {
      this.#frames.receive(bytes);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#fail(error.code, error.message);
    }
  }

  /** `length` bytes were read: the peer may send as many more. */
  credit(stream: Http2Stream, length: number): void {
    if (stream.closed || stream.ended || this.over) return;
    stream.read += length;
    if (stream.read < STREAM_WINDOW / 2) return;
    this.send(encodeWindowUpdate(stream.id, stream.read));
    stream.receiveWindow += stream.read;
    stream.read = 0;
  }

  head(type: number, flags: number, id: number): void {
    if (!this.#settled && (type !== FRAME.settings || (flags & FLAG.ack) !== 0))
      throw broken("the first frame is not SETTINGS");
    const open = this.#blocks.open;
    if (open !== undefined && (type !== FRAME.continuation || id !== open))
      throw broken("a header block is interrupted");
  }

  dataBegins(id: number, length: number, padding: number, ends: boolean): Http2Stream | undefined {
    if (id === 0) throw broken("DATA on the connection");
    const stream = this.#known(id);
    this.#receiveWindow -= length;
    if (this.#receiveWindow < 0) throw overflow("more than the window allows");
    this.#creditConnection();
    if (length === padding && !ends) this.costs("empty frames");
    if (stream === undefined) this.#strayed(id);
    else if (stream.ended) this.refuse(stream, H2_ERROR.streamClosed);
    // Section 8.1: content ahead of its head.
    else if (!stream.opened) this.refuse(stream, H2_ERROR.protocol);
    else if ((stream.receiveWindow -= length) < 0) this.refuse(stream, H2_ERROR.flowControl);
    else if (padding > 0) this.credit(stream, padding);
    return stream?.closed === false ? stream : undefined;
  }

  data(stream: Http2Stream, chunk: Uint8Array): void {
    if (!stream.closed) stream.events?.onData(chunk);
  }

  dataEnds(stream: Http2Stream): void {
    if (stream.closed) return;
    this.gotEnd(stream);
    stream.events?.onEnd();
  }

  frame(type: number, flags: number, id: number, payload: Uint8Array): void {
    checkFrame(type, flags, id, payload.length);
    switch (type) {
      case FRAME.headers:
        return this.#onHeaders(flags, id, payload);
      case FRAME.continuation:
        return this.#onFields(this.#blocks.go(flags, payload));
      case FRAME.settings:
        return this.#onSettings(flags, payload);
      case FRAME.windowUpdate:
        return this.#onWindowUpdate(id, payload);
      case FRAME.reset:
        return this.#onReset(id, payload);
      case FRAME.ping:
        return this.#onPing(flags, payload);
      case FRAME.goAway:
        this.costs("GOAWAY");
        return this.onGoAway(uint32(payload, 0) & 0x7fffffff, uint32(payload, 4));
      default:
        // PRIORITY, and types that nobody knows (section 5.5), change nothing.
        return this.costs("frames without effect");
    }
  }

  protected refuse(stream: Http2Stream, code: number): void {
    this.costs("mistakes");
    this.reset(stream, code);
    stream.events?.onReset(code);
  }

  /** The peer ended its direction. */
  protected gotEnd(stream: Http2Stream): void {
    stream.ended = true;
    if (stream.weEnded) this.close(stream);
  }

  /** Counts what costs us more than the peer; it may not come without end. */
  protected costs(what: string): void {
    if (!this.#flood.allows(this.#now)) throw calm(`too many ${what}`);
  }

  /** Half a window at once: one frame for many. */
  #creditConnection(): void {
    if (this.#receiveWindow > CONNECTION_WINDOW / 2) return;
    this.send(encodeWindowUpdate(0, CONNECTION_WINDOW - this.#receiveWindow));
    this.#receiveWindow = CONNECTION_WINDOW;
  }

  #onHeaders(flags: number, id: number, payload: Uint8Array): void {
    if (!this.streams.has(id) && id <= this.highest && !this.given.has(id)) {
      throw new ConnectionError(H2_ERROR.streamClosed, "HEADERS of a stream that is closed");
    }
    this.#onFields(this.#blocks.begin(flags, id, payload));
  }

  /** `block` is undefined while it goes on. */
  #onFields(block: FieldBlock | undefined): void {
    if (block === undefined) return this.costs("CONTINUATION");
    const stream = this.streams.get(block.id);
    if (stream?.takesTrailers && !stream.ended && block.ended && areTrailers(block.fields)) this.dataEnds(stream);
    // Trailers of a tunnel would be no part of it (RFC 9113 section 8.5).
    else if (stream?.ended) this.refuse(stream, H2_ERROR.streamClosed);
    else if (stream?.opened) this.refuse(stream, H2_ERROR.protocol);
    else this.onBlock(block, stream);
  }

  #onSettings(flags: number, payload: Uint8Array): void {
    if ((flags & FLAG.ack) !== 0) return;
    this.costs("SETTINGS");
    const settings = decodeSettings(payload);
    const { frameSize, initialWindow } = settings;
    if (frameSize !== undefined) this.frameSize = Math.min(frameSize, MOST_SENT_FRAME);
    if (initialWindow !== undefined) this.#setInitialWindow(initialWindow);
    this.send(encodeFrame(FRAME.settings, FLAG.ack, 0, NOTHING));
    this.#settled = true;
    this.onPeerSettings(settings);
  }

  /** Section 6.9.2: the windows of open streams change by as much. */
  #setInitialWindow(size: number): void {
    const more = size - this.initialWindow;
    this.initialWindow = size;
    for (const stream of this.streams.values()) {
      stream.sendWindow += more;
      if (stream.sendWindow > MOST_WINDOW) throw overflow("a window is too large");
      if (more > 0) stream.events?.onWindow();
    }
  }

  #onWindowUpdate(id: number, payload: Uint8Array): void {
    const more = uint32(payload, 0) & 0x7fffffff;
    if (id === 0) {
      if (more === 0) throw broken("WINDOW_UPDATE of nothing");
      this.sendWindow += more;
      if (this.sendWindow > MOST_WINDOW) throw overflow("a window is too large");
      this.events.window();
      return;
    }
    const stream = this.#known(id);
    if (stream === undefined) return;
    if (more === 0) return this.refuse(stream, H2_ERROR.protocol);
    stream.sendWindow += more;
    if (stream.sendWindow > MOST_WINDOW) this.refuse(stream, H2_ERROR.flowControl);
    else stream.events?.onWindow();
  }

  #onReset(id: number, payload: Uint8Array): void {
    const stream = this.#known(id);
    if (stream !== undefined) {
      this.close(stream);
      stream.events?.onReset(uint32(payload, 0));
    }
    if (this.countsReset(stream !== undefined || this.given.has(id))) this.costs("resets");
  }

  /** Undefined for one that is closed. */
  #known(id: number): Http2Stream | undefined {
    if (id > this.highest || id % 2 === 0) throw broken("a frame of a stream that is idle");
    return this.streams.get(id);
  }

  #onPing(flags: number, payload: Uint8Array): void {
    if ((flags & FLAG.ack) !== 0) return this.onPong();
    this.costs("PING");
    this.send(encodeFrame(FRAME.ping, FLAG.ack, 0, payload));
  }

  /** DATA of a stream that is closed. What was sent before our reset arrived is no mistake. */
  #strayed(id: number): void {
    if (this.given.has(id)) return;
    this.costs("DATA of closed streams");
    this.remember(id);
    this.send(encodeReset(id, H2_ERROR.streamClosed));
  }

  #fail(code: number, reason: string): void {
    this.goingAway = false;
    this.goAway(code, reason);
    this.over = true;
    this.events.failed(reason);
  }
}

/** A frame is not to be larger than what is written at once. */
const MOST_SENT_FRAME = 64 * 1024;

/** The server's side of one HTTP/2 connection (RFC 9113): bytes in, events and bytes out. Knows no socket and no request. */
import {
  DEFAULT_FRAME_SIZE,
  DEFAULT_WINDOW,
  encodeFrame,
  encodeGoAway,
  encodeHeaders,
  encodeReset,
  encodeSettings,
  encodeWindowUpdate,
  FLAG,
  FRAME,
  FRAME_HEAD,
  H2_ERROR,
  MOST_WINDOW,
  putDataFrames,
  SETTING,
  uint32,
} from "../wire/http2.ts";
import { encodeFields, type HeaderField } from "../wire/hpack.ts";
import { areTrailers, checkFrame, decodeSettings } from "./http2-check.ts";
import { broken, calm, ConnectionError, overflow } from "./http2-error.ts";
import { FieldBlocks, type FieldBlock } from "./http2-fields.ts";
import { Http2Frames, type FrameEvents } from "./http2-frames.ts";
import { Nuisance } from "./http2-nuisance.ts";
import { Http2Stream, STREAM_WINDOW, type Http2Events, type Http2Limits } from "./http2-stream.ts";

/**
 * Of the connection. Given back as bytes come, whoever reads them: a stream that stalls is stopped by its own window, and
 * takes nothing from the others. So a connection holds at most its streams times their window.
 */
const CONNECTION_WINDOW = 16 * 1024 * 1024;

export class Http2Server implements FrameEvents<Http2Stream> {
  readonly #events: Http2Events;
  readonly #limits: Http2Limits;
  readonly #frames = new Http2Frames<Http2Stream>(this);
  readonly #blocks: FieldBlocks;
  readonly #streams = new Map<number, Http2Stream>();
  readonly #nuisance = new Nuisance();
  /** The last ones that we reset: what was under way for them is no mistake. */
  readonly #given = new Set<number>();
  #settled = false;
  /** The last stream that came, and the last one that we took up. */
  #highest = 0;
  #lastStream = 0;
  #over = false;
  #goingAway = false;
  sendWindow = DEFAULT_WINDOW;
  frameSize = DEFAULT_FRAME_SIZE;
  #initialWindow = DEFAULT_WINDOW;
  #receiveWindow = CONNECTION_WINDOW;
  #now = 0;

  constructor(limits: Http2Limits, events: Http2Events) {
    this.#limits = limits;
    this.#blocks = new FieldBlocks(limits.head);
    this.#events = events;
  }

  /** Our settings. To be called first. */
  start(): void {
    this.#events.send(
      encodeSettings([
        [SETTING.maxConcurrentStreams, this.#limits.streams],
        [SETTING.initialWindowSize, STREAM_WINDOW],
        [SETTING.maxHeaderListSize, this.#limits.head],
        [SETTING.enableConnectProtocol, 1],
      ]),
    );
    this.#events.send(encodeWindowUpdate(0, CONNECTION_WINDOW - DEFAULT_WINDOW));
  }

  /** Streams that are open. */
  get open(): number {
    return this.#streams.size;
  }

  /** Takes bytes in any split; they are this session's from here on. `now` in milliseconds. */
  receive(bytes: Uint8Array, now: number): void {
    if (this.#over) return;
    this.#now = now;
    try {
      this.#frames.receive(bytes);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.#fail(error.code, error.message);
    }
  }

  /** Tells the peer to open no more streams; those that are there go on. */
  goAway(code: number = H2_ERROR.none, reason = ""): void {
    if (this.#goingAway || this.#over) return;
    this.#goingAway = true;
    this.#events.send(encodeGoAway(this.#lastStream, code, reason));
  }

  /** The head of an answer. */
  respond(stream: Http2Stream, fields: readonly HeaderField[], ends: boolean): void {
    if (stream.closed || this.#over) return;
    const flags = ends ? FLAG.endStream : 0;
    for (const frame of encodeHeaders(stream.id, flags, encodeFields(fields), this.frameSize)) this.#events.send(frame);
    if (ends) this.#sentEnd(stream);
  }

  /** Bytes of content that may be sent on `stream` now. */
  room(stream: Http2Stream): number {
    return stream.closed ? 0 : Math.max(0, Math.min(stream.sendWindow, this.sendWindow));
  }

  /**
   * Writes bytes of content, for which there must be room, as frames at `at`, and answers where these end. The bytes are
   * those of `from` from `start` on. Room in `into` must be `framed(length)`.
   */
  putData(into: Uint8Array, at: number, stream: Http2Stream, from: Uint8Array, start: number, length: number): number {
    stream.sendWindow -= length;
    this.sendWindow -= length;
    return putDataFrames(into, at, stream.id, this.frameSize, from.subarray(start, start + length));
  }

  framed(length: number): number {
    return length + FRAME_HEAD * Math.ceil(length / this.frameSize);
  }

  /** Ends our direction. */
  end(stream: Http2Stream): void {
    if (stream.closed || stream.weEnded || this.#over) return;
    this.#events.send(encodeFrame(FRAME.data, FLAG.endStream, stream.id, EMPTY));
    this.#sentEnd(stream);
  }

  reset(stream: Http2Stream, code: number): void {
    if (stream.closed || this.#over) return;
    this.#events.send(encodeReset(stream.id, code));
    this.#remember(stream.id);
    this.#close(stream);
  }

  /** `length` bytes were read: the peer may send as many more. */
  credit(stream: Http2Stream, length: number): void {
    if (stream.closed || stream.ended || this.#over) return;
    stream.read += length;
    if (stream.read < STREAM_WINDOW / 2) return;
    this.#events.send(encodeWindowUpdate(stream.id, stream.read));
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
    if (length === padding && !ends) this.#annoyed("empty frames");
    if (stream === undefined) this.#strayed(id);
    else if (stream.ended) this.#refuse(stream, H2_ERROR.streamClosed);
    else if ((stream.receiveWindow -= length) < 0) this.#refuse(stream, H2_ERROR.flowControl);
    else if (padding > 0) this.credit(stream, padding);
    return stream?.closed === false ? stream : undefined;
  }

  data(stream: Http2Stream, chunk: Uint8Array): void {
    if (!stream.closed) stream.events?.onData(chunk);
  }

  dataEnds(stream: Http2Stream): void {
    if (!stream.closed) this.#gotEnd(stream);
  }

  frame(type: number, flags: number, id: number, payload: Uint8Array): void {
    checkFrame(type, flags, id, payload.length);
    this.#settled = true;
    switch (type) {
      case FRAME.headers:
        return this.#onHeaders(flags, id, payload);
      case FRAME.continuation:
        return this.#onRequest(this.#blocks.go(flags, payload));
      case FRAME.settings:
        return this.#onSettings(flags, payload);
      case FRAME.windowUpdate:
        return this.#onWindowUpdate(id, payload);
      case FRAME.reset:
        return this.#onReset(id, payload);
      case FRAME.ping:
        return this.#onPing(flags, payload);
      default:
        // PRIORITY, GOAWAY, and types that nobody knows (section 5.5) change nothing.
        return this.#annoyed("frames without effect");
    }
  }

  /** Half a window at once: one frame for many. */
  #creditConnection(): void {
    if (this.#receiveWindow > CONNECTION_WINDOW / 2) return;
    this.#events.send(encodeWindowUpdate(0, CONNECTION_WINDOW - this.#receiveWindow));
    this.#receiveWindow = CONNECTION_WINDOW;
  }

  #onHeaders(flags: number, id: number, payload: Uint8Array): void {
    if (!this.#streams.has(id) && id <= this.#highest && !this.#given.has(id)) {
      throw new ConnectionError(H2_ERROR.streamClosed, "HEADERS of a stream that is closed");
    }
    this.#onRequest(this.#blocks.begin(flags, id, payload));
  }

  /** `block` is undefined while it goes on. */
  #onRequest(block: FieldBlock | undefined): void {
    if (block === undefined) return this.#annoyed("CONTINUATION");
    const { id, ended, fields } = block;
    const stream = this.#streams.get(id);
    if (stream?.takesTrailers && !stream.ended && ended && areTrailers(fields)) this.#gotEnd(stream);
    // Trailers of a tunnel would be no part of it (RFC 9113 section 8.5).
    else if (stream !== undefined) this.#refuse(stream, stream.ended ? H2_ERROR.streamClosed : H2_ERROR.protocol);
    if (id <= this.#highest) return;
    this.#highest = id;
    if (this.#goingAway) {
      this.#remember(id);
      return;
    }
    this.#lastStream = id;
    if (this.#streams.size >= this.#limits.streams) {
      this.#annoyed("streams beyond the limit");
      this.#remember(id);
      this.#events.send(encodeReset(id, H2_ERROR.refusedStream));
      return;
    }
    const opened = new Http2Stream(id, this.#initialWindow);
    opened.ended = ended;
    this.#streams.set(id, opened);
    this.#events.request(opened, fields, ended);
  }

  #onSettings(flags: number, payload: Uint8Array): void {
    if ((flags & FLAG.ack) !== 0) return;
    this.#annoyed("SETTINGS");
    const { frameSize, initialWindow } = decodeSettings(payload);
    if (frameSize !== undefined) this.frameSize = Math.min(frameSize, MOST_SENT_FRAME);
    if (initialWindow !== undefined) this.#setInitialWindow(initialWindow);
    this.#events.send(encodeFrame(FRAME.settings, FLAG.ack, 0, EMPTY));
  }

  /** Section 6.9.2: the windows of open streams change by as much. */
  #setInitialWindow(size: number): void {
    const more = size - this.#initialWindow;
    this.#initialWindow = size;
    for (const stream of this.#streams.values()) {
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
      this.#events.window();
      return;
    }
    const stream = this.#known(id);
    if (stream === undefined) return;
    if (more === 0) return this.#refuse(stream, H2_ERROR.protocol);
    stream.sendWindow += more;
    if (stream.sendWindow > MOST_WINDOW) this.#refuse(stream, H2_ERROR.flowControl);
    else stream.events?.onWindow();
  }

  #onReset(id: number, payload: Uint8Array): void {
    const stream = this.#known(id);
    if (stream !== undefined) {
      this.#close(stream);
      stream.events?.onReset(uint32(payload, 0));
    }
    this.#annoyed("resets");
  }

  /** Undefined for one that is closed. */
  #known(id: number): Http2Stream | undefined {
    if (id > this.#highest) throw broken("a frame of a stream that is idle");
    return this.#streams.get(id);
  }

  #onPing(flags: number, payload: Uint8Array): void {
    if ((flags & FLAG.ack) !== 0) return;
    this.#annoyed("PING");
    this.#events.send(encodeFrame(FRAME.ping, FLAG.ack, 0, payload));
  }

  /** DATA of a stream that is closed. What was sent before our reset arrived is no mistake. */
  #strayed(id: number): void {
    if (this.#given.has(id)) return;
    this.#annoyed("DATA of closed streams");
    this.#remember(id);
    this.#events.send(encodeReset(id, H2_ERROR.streamClosed));
  }

  #refuse(stream: Http2Stream, code: number): void {
    this.#annoyed("mistakes");
    this.reset(stream, code);
    stream.events?.onReset(code);
  }

  #gotEnd(stream: Http2Stream): void {
    stream.ended = true;
    if (stream.weEnded) this.#close(stream);
    stream.events?.onEnd();
  }

  #sentEnd(stream: Http2Stream): void {
    stream.weEnded = true;
    if (stream.ended) this.#close(stream);
  }

  #close(stream: Http2Stream): void {
    stream.closed = true;
    this.#streams.delete(stream.id);
  }

  #remember(id: number): void {
    this.#given.add(id);
    if (this.#given.size > 2 * this.#limits.streams) this.#given.delete(this.#given.values().next().value!);
  }

  /** What costs us more than the peer may not come without end. */
  #annoyed(by: string): void {
    if (!this.#nuisance.bears(this.#now)) throw calm(`too many ${by}`);
  }

  #fail(code: number, reason: string): void {
    this.#goingAway = false;
    this.goAway(code, reason);
    this.#over = true;
    this.#events.failed(reason);
  }
}

const EMPTY = new Uint8Array(0);
/** A frame is not to be larger than what is written at once. */
const MOST_SENT_FRAME = 64 * 1024;

/** What either side of an HTTP/2 connection sends (RFC 9113), and the streams that it is sent on. What comes is for http2-session.ts. */
import {
  DEFAULT_FRAME_SIZE,
  DEFAULT_WINDOW,
  encodeFrame,
  encodeGoAway,
  encodeHeaders,
  encodeReset,
  FLAG,
  FRAME,
  FRAME_HEAD,
  H2_ERROR,
  putDataFrames,
} from "../wire/http2.ts";
import { encodeFields, type HeaderField } from "../wire/hpack.ts";
import { NOTHING } from "./front.ts";
import type { Http2Events, Http2Limits, Http2Stream } from "./http2-stream.ts";

export abstract class Http2Sending {
  /** The last stream that was opened; all are the client's, since nothing is pushed. */
  protected highest = 0;
  protected initialWindow = DEFAULT_WINDOW;
  protected over = false;
  protected goingAway = false;
  sendWindow = DEFAULT_WINDOW;
  frameSize = DEFAULT_FRAME_SIZE;
  protected readonly events: Http2Events;
  protected readonly limits: Http2Limits;
  protected readonly streams = new Map<number, Http2Stream>();
  /** The last ones that we reset: what was under way for them is no mistake. */
  protected readonly given = new Set<number>();

  constructor(limits: Http2Limits, events: Http2Events) {
    this.limits = limits;
    this.events = events;
  }

  /** The last stream of the peer's that we took up. */
  protected abstract get lastStream(): number;

  /** Streams that are open. */
  get open(): number {
    return this.streams.size;
  }

  /** Tells the peer that no more streams are to be opened; those that are there go on. */
  goAway(code: number = H2_ERROR.none, reason = ""): void {
    if (this.goingAway || this.over) return;
    this.goingAway = true;
    this.send(encodeGoAway(this.lastStream, code, reason));
  }

  /** The head of what we say on a stream. */
  sendHead(stream: Http2Stream, fields: readonly HeaderField[], ends: boolean): void {
    if (stream.closed || this.over) return;
    const flags = ends ? FLAG.endStream : 0;
    for (const frame of encodeHeaders(stream.id, flags, encodeFields(fields), this.frameSize)) this.send(frame);
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
    if (stream.closed || stream.weEnded || this.over) return;
    this.send(encodeFrame(FRAME.data, FLAG.endStream, stream.id, NOTHING));
    this.#sentEnd(stream);
  }

  reset(stream: Http2Stream, code: number): void {
    if (stream.closed || this.over) return;
    this.send(encodeReset(stream.id, code));
    this.remember(stream.id);
    this.close(stream);
  }

  protected send(bytes: Uint8Array): void {
    this.events.send(bytes);
  }

  protected close(stream: Http2Stream): void {
    stream.closed = true;
    this.streams.delete(stream.id);
  }

  /** What still comes of the stream is to be no mistake. */
  protected remember(id: number): void {
    this.given.add(id);
    if (this.given.size > 2 * this.limits.streams) this.given.delete(this.given.values().next().value!);
  }

  #sentEnd(stream: Http2Stream): void {
    stream.weEnded = true;
    if (stream.ended) this.close(stream);
  }
}

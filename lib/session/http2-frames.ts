/** A stream of HTTP/2 frames taken apart (RFC 9113 section 4): preface, lengths, padding. What frames mean is http2-session.ts. */
import { DEFAULT_FRAME_SIZE, FLAG, FRAME, FRAME_HEAD, PREFACE, uint32 } from "../wire/http2.ts";
import { broken, wrongSize } from "./http2-error.ts";
import { concat, NOTHING } from "./front.ts";

/** Told of frames in their order. What throws ends the reading. */
export interface FrameEvents<Stream> {
  /** A frame whose head has come. */
  head(type: number, flags: number, id: number): void;
  /** A DATA frame begins, of so many bytes, padding included. Answers the stream if its content is wanted. */
  dataBegins(id: number, length: number, padding: number, ends: boolean): Stream | undefined;
  /** Content, in order; of several frames of one stream as one. */
  data(stream: Stream, chunk: Uint8Array): void;
  /** The stream ends with the content before. */
  dataEnds(stream: Stream): void;
  /** A whole frame of any other type. */
  frame(type: number, flags: number, id: number, payload: Uint8Array): void;
}

export class Http2Frames<Stream extends object> {
  readonly #events: FrameEvents<Stream>;
  /** Of the preface and of a frame whose end has not come. */
  #held: Uint8Array = NOTHING;
  #prefaced: boolean;
  /** Of the DATA frame under way. */
  #dataLeft = 0;
  #paddingLeft = 0;
  #stream: Stream | undefined;
  #ends = false;
  /** What came for one stream so far in this chunk, not handed out yet. */
  #run: { stream: Stream; from: number; to: number } | undefined;

  /** `prefaced`: the preface of clients comes first. */
  constructor(events: FrameEvents<Stream>, prefaced: boolean) {
    this.#events = events;
    this.#prefaced = !prefaced;
  }

  /** Takes bytes in any split; they are this reader's from here on. Throws `ConnectionError`, after which it is spent. */
  receive(chunk: Uint8Array): void {
    const bytes = concat(this.#held, chunk);
    this.#held = NOTHING;
    let at = this.#prefaced ? 0 : this.#takePreface(bytes);
    while (at < bytes.length) {
      const next = this.#dataLeft + this.#paddingLeft > 0 ? this.#takeData(bytes, at) : this.#takeFrame(bytes, at);
      if (next === at) break;
      at = next;
    }
    this.#handOut(bytes);
    // Copied: a few bytes must not hold a large chunk.
    if (at < bytes.length) this.#held = at === 0 ? bytes : bytes.slice(at);
  }

  #takePreface(bytes: Uint8Array): number {
    const length = Math.min(bytes.length, PREFACE.length);
    for (let i = 0; i < length; i++) if (bytes[i] !== PREFACE[i]) throw broken("this is no HTTP/2");
    this.#prefaced = length === PREFACE.length;
    return this.#prefaced ? length : 0;
  }

  /** Where the frame at `at` ends, or `at` while it is incomplete. Of a DATA frame, where its content begins. */
  #takeFrame(bytes: Uint8Array, at: number): number {
    const start = at + FRAME_HEAD;
    if (!this.#prefaced || bytes.length < start) return at;
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    const type = bytes[at + 3]!;
    const flags = bytes[at + 4]!;
    const id = uint32(bytes, at + 5) & 0x7fffffff;
    if (length > DEFAULT_FRAME_SIZE) throw wrongSize("a frame is too large");
    this.#events.head(type, flags, id);
    if (type === FRAME.data) return this.#beginData(bytes, start, length, flags, id) ?? at;
    if (bytes.length < start + length) return at;
    this.#handOut(bytes);
    this.#events.frame(type, flags, id, bytes.subarray(start, start + length));
    return start + length;
  }

  /** Where the content begins; undefined while the length of the padding has not come. */
  #beginData(bytes: Uint8Array, start: number, length: number, flags: number, id: number): number | undefined {
    const padded = (flags & FLAG.padded) !== 0 ? 1 : 0;
    if (padded > length) throw wrongSize("padding without its length");
    if (bytes.length < start + padded) return undefined;
    const padding = padded === 1 ? bytes[start]! : 0;
    if (padding + padded > length) throw broken("padding is longer than its frame");
    this.#dataLeft = length - padding - padded;
    this.#paddingLeft = padding;
    this.#ends = (flags & FLAG.endStream) !== 0;
    this.#stream = this.#events.dataBegins(id, length, padding + padded, this.#ends);
    if (this.#dataLeft + this.#paddingLeft === 0) this.#endData(bytes);
    return start + padded;
  }

  /**
   * Gathers content: pieces of one stream that follow each other are moved together in the chunk, which is ours, and
   * handed out as one. A write to the system costs more than that.
   */
  #takeData(bytes: Uint8Array, at: number): number {
    const length = Math.min(this.#dataLeft, bytes.length - at);
    if (length > 0 && this.#stream !== undefined) this.#gather(bytes, this.#stream, at, length);
    this.#dataLeft -= length;
    const padding = Math.min(this.#paddingLeft, bytes.length - at - length);
    this.#paddingLeft -= padding;
    if (this.#dataLeft + this.#paddingLeft === 0) this.#endData(bytes);
    return at + length + padding;
  }

  #gather(bytes: Uint8Array, stream: Stream, at: number, length: number): void {
    const run = this.#run;
    if (run?.stream !== stream) {
      this.#handOut(bytes);
      this.#run = { stream, from: at, to: at + length };
      return;
    }
    if (run.to !== at) bytes.copyWithin(run.to, at, at + length);
    run.to += length;
  }

  #endData(bytes: Uint8Array): void {
    if (!this.#ends || this.#stream === undefined) return;
    this.#handOut(bytes);
    this.#events.dataEnds(this.#stream);
  }

  #handOut(bytes: Uint8Array): void {
    const run = this.#run;
    if (run === undefined) return;
    this.#run = undefined;
    this.#events.data(run.stream, bytes.subarray(run.from, run.to));
  }
}

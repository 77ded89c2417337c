/** The client's side of one HTTP/2 connection (RFC 9113): it opens streams, as many as the peer lets it. Knows no socket and no request. */
import { encodeFrame, encodeSettings, FRAME, H2_ERROR, PREFACE, SETTING } from "../wire/http2.ts";
import type { HeaderField } from "../wire/hpack.ts";
import type { PeerSettings } from "./http2-check.ts";
import { broken } from "./http2-error.ts";
import type { FieldBlock } from "./http2-fields.ts";
import { Http2Session } from "./http2-session.ts";
import { Http2Stream, STREAM_WINDOW, type Http2Events, type Http2Limits } from "./http2-stream.ts";

export interface Http2ClientEvents extends Http2Events {
  /** The peer's settings have come: for the first time, or with another limit of streams. */
  settled(): void;
  /** The peer takes no more streams; those that it left out were reset with REFUSED_STREAM. */
  goneAway(): void;
  /** It answered a `ping`. */
  pong(): void;
}

/** Stream numbers end there, and the connection with them (section 5.1.1). */
const LAST = 2 ** 31 - 1;

export class Http2Client extends Http2Session {
  declare protected readonly events: Http2ClientEvents;
  /** By the peer; ours is in the limits. */
  #mostStreams = Infinity;
  #goneAway = false;

  /** `limits.head` is of answers. */
  constructor(limits: Http2Limits, events: Http2ClientEvents) {
    super(limits, events, false);
  }

  start(): void {
    this.send(PREFACE);
    this.send(
      encodeSettings([
        [SETTING.enablePush, 0],
        [SETTING.initialWindowSize, STREAM_WINDOW],
        [SETTING.maxHeaderListSize, this.limits.head],
      ]),
    );
    this.openWindow();
  }

  /** How many streams may be open together. */
  get most(): number {
    return Math.min(this.#mostStreams, this.limits.streams);
  }

  /** How many more streams may be opened now; none before the peer's settings have come. */
  get vacancies(): number {
    return this.settled && !this.isLeaving ? Math.max(0, this.most - this.streams.size) : 0;
  }

  /** Whether no more streams will be opened: the connection is good until those that are open have ended. */
  get isLeaving(): boolean {
    return this.over || this.goingAway || this.#goneAway || this.highest + 2 > LAST;
  }

  /** Opens a stream with a request, for which there must be a vacancy. */
  request(fields: readonly HeaderField[]): Http2Stream {
    this.highest += this.highest === 0 ? 1 : 2;
    const stream = new Http2Stream(this.highest, this.initialWindow);
    this.streams.set(stream.id, stream);
    this.sendHead(stream, fields, false);
    return stream;
  }

  /** Asks the peer whether it is there. */
  ping(): void {
    if (!this.over) this.send(encodeFrame(FRAME.ping, 0, 0, new Uint8Array(8)));
  }

  /** An answer, interim or final: whoever takes a final one sets `opened`. */
  protected onBlock({ id, ended, fields }: FieldBlock, stream: Http2Stream | undefined): void {
    if (stream === undefined) {
      if (id > this.highest) throw broken("HEADERS of a stream that is idle");
      return;
    }
    if (ended) this.gotEnd(stream);
    // Answers of 1xx may come without end.
    if (stream.headed) this.costs("interim answers");
    stream.headed = true;
    this.events.head(stream, fields, ended);
  }

  protected onPeerSettings({ maxStreams, push }: PeerSettings): void {
    if (push === 1) throw broken("a server takes no promises");
    if (maxStreams !== undefined) this.#mostStreams = maxStreams;
    this.events.settled();
  }

  /** There are no more of them than streams that we opened. */
  protected countsReset(known: boolean): boolean {
    return !known;
  }

  /** Section 6.8: what is above `lastStream` was not and will not be looked at. */
  protected onGoAway(lastStream: number): void {
    this.#goneAway = true;
    for (const stream of this.streams.values()) {
      if (stream.id <= lastStream) continue;
      this.remember(stream.id);
      this.close(stream);
      stream.events?.onReset(H2_ERROR.refusedStream);
    }
    this.events.goneAway();
  }

  protected onPong(): void {
    this.events.pong();
  }

  /** Nothing is pushed. */
  protected get lastStream(): number {
    return 0;
  }
}

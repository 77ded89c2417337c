/** The server's side of one HTTP/2 connection (RFC 9113): it takes up the streams that the peer opens. Knows no socket and no request. */
import { encodeReset, encodeSettings, H2_ERROR, SETTING } from "../wire/http2.ts";
import type { FieldBlock } from "./http2-fields.ts";
import { Http2Session } from "./http2-session.ts";
import { Http2Stream, STREAM_WINDOW, type Http2Events, type Http2Limits } from "./http2-stream.ts";

export class Http2Server extends Http2Session {
  /** The last stream that we took up. */
  protected override lastStream = 0;

  constructor(limits: Http2Limits, events: Http2Events) {
    super(limits, events, true);
  }

  start(): void {
    this.send(
      encodeSettings([
        [SETTING.maxConcurrentStreams, this.limits.streams],
        [SETTING.initialWindowSize, STREAM_WINDOW],
        [SETTING.maxHeaderListSize, this.limits.head],
        [SETTING.enableConnectProtocol, 1],
      ]),
    );
    this.openWindow();
  }

  /** A request. */
  protected onBlock({ id, ended, fields }: FieldBlock): void {
    if (id <= this.highest) return;
    this.highest = id;
    if (this.goingAway) {
      this.remember(id);
      return;
    }
    this.lastStream = id;
    if (this.streams.size >= this.limits.streams) {
      this.costs("streams beyond the limit");
      this.remember(id);
      this.send(encodeReset(id, H2_ERROR.refusedStream));
      return;
    }
    const opened = new Http2Stream(id, this.initialWindow);
    opened.opened = true;
    opened.ended = ended;
    this.streams.set(id, opened);
    this.events.head(opened, fields, ended);
  }

  protected onPeerSettings(): void {}

  /** All of them (CVE-2023-44487). */
  protected countsReset(): boolean {
    return true;
  }

  /** A client opens no fewer streams for having said so. */
  protected onGoAway(): void {}

  protected onPong(): void {}
}

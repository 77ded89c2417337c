/** The server's side of an HTTP/2 connection: each stream that a client opens is a `Conn` that can be answered. Knows no request. */
import { Http2Server } from "../session/http2-server.ts";
import type { Http2Limits, Http2Stream } from "../session/http2-stream.ts";
import { H2_ERROR } from "../wire/http2.ts";
import type { HeaderField } from "../wire/hpack.ts";
import type { Conn } from "./conn.ts";
import { Http2Conn, type Http2Told } from "./http2-conn.ts";
import { Http2StreamConn } from "./http2-stream-conn.ts";

export interface Http2ServerTold extends Http2Told {
  /** A stream begins. `fields` is undefined where they are larger than allowed; `ended`: the client sends no content. */
  request(stream: Http2RequestConn, fields: readonly HeaderField[] | undefined, ended: boolean): void;
}

export class Http2ServerConn extends Http2Conn {
  readonly session: Http2Server;
  readonly peer = "client";
  readonly giveUp = H2_ERROR.connect;
  readonly #told: Http2ServerTold;

  constructor(conn: Conn, limits: Http2Limits, told: Http2ServerTold) {
    super(conn, told);
    this.#told = told;
    this.session = new Http2Server(limits, this);
  }

  head(stream: Http2Stream, fields: readonly HeaderField[] | undefined, ended: boolean): void {
    const conn = new Http2RequestConn(this, stream);
    this.joined(conn);
    this.#told.request(conn, fields, ended);
    if (ended && !conn.closed) conn.onEnd();
  }
}

/** A stream that a client opened. */
export class Http2RequestConn extends Http2StreamConn {
  /** Content of this request may end with trailers, which nobody is told of. */
  takeTrailers(): void {
    this.stream.takesTrailers = true;
  }

  /** The head of an answer behind which content follows. */
  respond(fields: readonly HeaderField[]): void {
    if (!this.closed) this.below.session.sendHead(this.stream, fields, false);
  }

  /** A whole answer, after which the stream is gone. Content that there is no room for is left out: nobody waits for it. */
  answer(fields: readonly HeaderField[], content: Uint8Array): void {
    if (this.closed) return;
    const { session } = this.below;
    const fits = content.length > 0 && session.room(this.stream) >= content.length && !this.below.blocked;
    const head = fits ? fields : fields.filter(([name]) => name !== "content-length");
    session.sendHead(this.stream, head, !fits);
    if (fits) {
      this.below.transmit(this.stream, content, 0);
      session.end(this.stream);
    }
    // RFC 9113 section 8.1: the client need not send the rest of its request.
    session.reset(this.stream, H2_ERROR.none);
    this.depart(undefined);
  }
}

/** The client's side of an HTTP/2 connection to a proxy: each CONNECT is a stream, and a `Conn` once it is answered. */
import { Http2Client, type Http2ClientEvents } from "../session/http2-client.ts";
import { connectReset, type Http2Connect } from "../session/http2-connect.ts";
import type { Http2Limits, Http2Stream } from "../session/http2-stream.ts";
import { H2_ERROR } from "../wire/http2.ts";
import type { HeaderField } from "../wire/hpack.ts";
import type { Conn, ConnEvents } from "./conn.ts";
import { Deadlines, Due } from "./deadlines.ts";
import { ReceiveBuffer } from "./receive-buffer.ts";
import { Http2Conn, type Http2Told } from "./http2-conn.ts";
import { Http2StreamConn, StreamReset } from "./http2-stream-conn.ts";
import type { ProxyError } from "./through-proxy.ts";

/** Why there is no tunnel. */
export interface NoTunnel {
  code: ProxyError["code"];
  /** Half a sentence. */
  reason: string;
  /** Where another connection may be asked: the proxy did not look at the request, or did not live to answer. */
  again?: "unseen" | "died";
}

export interface Http2ClientTold extends Http2Told {
  /** The proxy's settings have come, or changed. */
  settled(): void;
  /** It takes no more streams. */
  goneAway(): void;
  /** It answered a PING. */
  pong(): void;
}

export class Http2ClientConn extends Http2Conn implements Http2ClientEvents {
  readonly session: Http2Client;
  readonly peer = "proxy";
  readonly giveUp = H2_ERROR.cancel;
  readonly #told: Http2ClientTold;
  readonly #asks = new Map<Http2Stream, Ask>();

  constructor(conn: Conn, limits: Http2Limits, told: Http2ClientTold) {
    super(conn, told);
    this.#told = told;
    this.session = new Http2Client(limits, this);
  }

  /** Asks for a tunnel, for which there must be a vacancy. */
  ask(request: Http2Connect, deadlines: Deadlines): Promise<Conn | NoTunnel> {
    return new Promise((resolve) => {
      this.together(() => {
        const stream = this.session.request(request.fields);
        const conn = new Http2StreamConn(this, stream);
        this.joined(conn);
        const over = (answer: Conn | NoTunnel) => {
          this.#asks.delete(stream);
          resolve(answer);
        };
        const ask = new Ask(stream, conn, request, deadlines, over);
        this.#asks.set(stream, ask);
        ask.begin();
      });
    });
  }

  ping(): void {
    this.session.ping();
  }

  head(stream: Http2Stream, fields: readonly HeaderField[] | undefined, ended: boolean): void {
    this.#asks.get(stream)?.head(fields, ended);
  }

  settled(): void {
    this.#told.settled();
  }

  goneAway(): void {
    this.#told.goneAway();
  }

  pong(): void {
    this.#told.pong();
  }
}

/** Receives the events of a stream until it is answered. */
class Ask extends Due implements ConnEvents {
  readonly #stream: Http2Stream;
  readonly #conn: Http2StreamConn;
  readonly #request: Http2Connect;
  readonly #deadlines: Deadlines;
  readonly #over: (answer: Conn | NoTunnel) => void;
  #isOver = false;

  constructor(
    stream: Http2Stream,
    conn: Http2StreamConn,
    request: Http2Connect,
    deadlines: Deadlines,
    over: (answer: Conn | NoTunnel) => void,
  ) {
    super();
    this.#stream = stream;
    this.#conn = conn;
    this.#request = request;
    this.#deadlines = deadlines;
    this.#over = over;
  }

  begin(): void {
    this.#deadlines.add(this);
    this.#conn.attach(this);
  }

  head(fields: readonly HeaderField[] | undefined, ended: boolean): void {
    const answer = this.#request.read(fields, ended);
    if (answer.kind === "interim") return;
    if (answer.kind === "refused") {
      const { code, reason } = answer;
      this.#finish({ code, reason });
      this.#conn.reset(code === "proxy_malformed" ? H2_ERROR.protocol : H2_ERROR.cancel);
      return;
    }
    this.#stream.opened = true;
    this.#conn.attach(new ReceiveBuffer(this.#conn));
    this.#finish(this.#conn);
    if (ended) this.#conn.onEnd();
  }

  override late(): void {
    this.#finish({ code: "timeout", reason: "no answer in time" });
    this.#conn.reset(H2_ERROR.cancel);
  }

  close(error?: Error): void {
    if (!(error instanceof StreamReset))
      this.#finish({ code: "closed", reason: error?.message ?? "the connection was closed", again: "died" });
    else if (error.code === H2_ERROR.refusedStream)
      this.#finish({ code: "closed", reason: "the proxy refused the request unseen", again: "unseen" });
    else this.#finish(connectReset(error.code));
  }

  /** Content and its end come behind the answer only. */
  data(): void {}
  end(): void {}
  drain(): void {}

  #finish(answer: Conn | NoTunnel): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deadlines.remove(this);
    this.#over(answer);
  }
}

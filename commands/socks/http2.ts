/** HTTP/2 in front: one connection with many streams, each a request that is decided anew. What a stream asks for is http2-ask.ts. */
import type { Conn, Early } from "../../lib/net/conn.ts";
import { Due } from "../../lib/net/deadlines.ts";
import { Http2ServerConn, type Http2RequestConn, type Http2ServerTold } from "../../lib/net/http2-server-conn.ts";
import type { HeaderField } from "../../lib/wire/hpack.ts";
import { H2_ERROR } from "../../lib/wire/http2.ts";
import { Http2Ask } from "./http2-ask.ts";
import type { Origin } from "./origin.ts";
import type { Asker } from "./passage.ts";
import { stateOf, type Open, type OpenState, type Proxy } from "./proxy.ts";
import { reject } from "./record.ts";

export class Http2Front {
  readonly #proxy: Proxy;

  constructor(proxy: Proxy) {
    this.#proxy = proxy;
  }

  /** Takes over a client connection that began with the preface of HTTP/2. */
  adopt(asker: Asker, early: Early): void {
    new Http2Client(this.#proxy, asker).begin(early);
  }
}

export class Http2Client extends Due implements Open, Asker, Http2ServerTold {
  readonly conn: Conn;
  readonly session: string;
  readonly user = undefined;
  readonly origin: Origin | undefined;
  readonly #proxy: Proxy;
  readonly #http2: Http2ServerConn;
  /** What is under way: also what goes on for a stream that is gone, since a connection that is being opened cannot be stopped. */
  readonly #asks = new Set<Http2Ask>();
  #asked = false;

  constructor(proxy: Proxy, { conn, session, origin }: Asker) {
    super();
    this.#proxy = proxy;
    this.conn = conn;
    this.session = session;
    this.origin = origin;
    const { mostStreams, mostHead } = proxy.settings;
    this.#http2 = new Http2ServerConn(conn, { streams: mostStreams, head: mostHead }, this);
    proxy.counts.http2.connections++;
    proxy.open.enter(this);
  }

  begin(early: Early): void {
    // The same deadline for the first request as of any client, and for each silence without a stream.
    this.#proxy.deadlines.add(this);
    this.#http2.begin(early);
  }

  request(stream: Http2RequestConn, fields: readonly HeaderField[] | undefined, ended: boolean): void {
    this.#asked = true;
    this.#proxy.deadlines.remove(this);
    if (this.#asks.size >= this.#proxy.settings.mostStreams) {
      stream.reset(H2_ERROR.refusedStream);
      return;
    }
    const ask = new Http2Ask(this.#proxy, this, stream);
    this.#asks.add(ask);
    this.#proxy.counts.http2.streams++;
    this.#proxy.counts.http2.open++;
    ask.begin(fields, ended);
  }

  /** An ask is over in every respect. */
  done(ask: Http2Ask): void {
    if (this.#asks.delete(ask)) this.#proxy.counts.http2.open--;
  }

  idle(): void {
    if (this.#proxy.draining) this.#http2.leave();
    else if (!this.conn.closed) this.#proxy.deadlines.add(this);
  }

  /** A client that is still reading its answers is not late. */
  override late(): void {
    if (this.conn.buffered > 0 && this.#asked) {
      this.#proxy.deadlines.add(this);
      return;
    }
    if (!this.#asked) reject(this.#proxy, this, "timeout", "the client was too slow to state its request");
    this.#http2.leave();
  }

  failed(reason: string): void {
    this.#proxy.deadlines.remove(this);
    reject(this.#proxy, this, "protocol", `not HTTP/2: ${reason}`);
  }

  closed(): void {
    this.#proxy.deadlines.remove(this);
    this.#proxy.open.leave(this);
  }

  describe(): OpenState[] {
    return this.#asks.size === 0 ? [stateOf(this)] : Array.from(this.#asks, (ask) => ask.state);
  }

  retire(): void {
    if (this.#http2.open === 0) this.#http2.leave();
    else this.#http2.goAway();
  }

  cut(): void {
    for (const ask of this.#asks) ask.cut();
    this.conn.destroy();
  }
}

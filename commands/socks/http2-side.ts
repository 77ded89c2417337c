/** The client's side of a forwarded exchange over HTTP/2: one stream, its content checked against its length. */
import { Transform, type Readable, type TransformCallback, type Writable } from "node:stream";
import { ConnDuplex } from "../../lib/net/duplex.ts";
import type { Http2RequestConn } from "../../lib/net/http2-server-conn.ts";
import { toHttp2Answer } from "../../lib/session/http2-forward.ts";
import type { RefusalAnswer } from "../../lib/session/http-refusal.ts";
import { H2_ERROR } from "../../lib/wire/http2.ts";
import type { Field } from "../../lib/wire/http-forward.ts";
import type { ClientSide } from "./exchange.ts";
import { refuseStream } from "./http2-refusal.ts";

export class Http2Side implements ClientSide {
  readonly content: Readable;
  begun = false;
  readonly #stream: Http2RequestConn;
  readonly #method: string;
  readonly #duplex: ConnDuplex;
  #error: Error | undefined;

  /** `length` is what the request says of its content; undefined where that ends with the stream. */
  constructor(stream: Http2RequestConn, method: string, length: number | undefined) {
    this.#stream = stream;
    this.#method = method;
    this.#duplex = new ConnDuplex(stream);
    this.#duplex.on("error", (error) => (this.#error ??= error));
    this.content = length === undefined ? this.#duplex : this.#checked(length);
  }

  goOn(): void {
    if (!this.begun) this.#stream.respond([[":status", "100"]]);
  }

  answer(status: number, _phrase: string, fields: readonly Field[]): Writable {
    const head = toHttp2Answer(status, fields);
    if (head === undefined) throw new Error("a head that HTTP/2 cannot carry");
    this.begun = true;
    this.#stream.respond(head);
    return this.#duplex;
  }

  refuse(refusal: RefusalAnswer): void {
    if (!this.begun) refuseStream(this.#stream, this.#method, refusal);
    this.begun = true;
  }

  abort(): void {
    this.#stream.reset(H2_ERROR.internal);
  }

  onClose(told: (whole: boolean, error?: Error) => void): void {
    let isTold = false;
    const tell = () => {
      if (!isTold) told(this.#stream.endSent, this.#error);
      isTold = true;
    };
    this.#duplex.on("close", tell);
    this.#duplex.on("finish", () => {
      // RFC 9113 section 8.1: the client need not send the rest of its request.
      this.#stream.reset(H2_ERROR.none);
      tell();
      this.#duplex.destroy();
    });
  }

  /** RFC 9113 section 8.1.1. What goes beyond the length would be a request of its own to the upstream. */
  #checked(length: number): Readable {
    const checked = new CheckedContent(length);
    checked.on("error", (error) => {
      this.#error ??= error;
      this.#stream.reset(H2_ERROR.protocol);
    });
    this.#duplex.on("close", () => checked.destroy());
    return this.#duplex.pipe(checked);
  }
}

/** Passes on exactly so many bytes, or fails. */
class CheckedContent extends Transform {
  #left: number;

  constructor(length: number) {
    super();
    this.#left = length;
  }

  override _transform(chunk: Uint8Array, _encoding: string, done: TransformCallback): void {
    this.#left -= chunk.length;
    if (this.#left < 0) done(new Error("more content than content-length says"));
    else done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    done(this.#left > 0 ? new Error("less content than content-length says") : null);
  }
}

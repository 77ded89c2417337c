/** One question to a resolver over a connection, and the reply. Ends the connection. */
import type { Conn, ConnEvents } from "../../../lib/net/conn.ts";
import { DnsFrames, frameDns } from "../../../lib/session/dns-tcp.ts";
import { DNS_HEADER, word } from "../../../lib/wire/dns.ts";
import type { Asked } from "./resolver.ts";

export class TcpExchange implements ConnEvents {
  readonly #conn: Conn;
  readonly #frames = new DnsFrames(DNS_HEADER, 65_535);
  readonly #id: number;
  #asked: Asked | undefined;

  /** `asked` is told one of the two, once, unless it cancels before. */
  constructor(conn: Conn, message: Uint8Array, asked: Asked) {
    this.#conn = conn;
    this.#id = word(message, 0);
    this.#asked = asked;
    conn.attach(this);
    conn.write(frameDns(message));
  }

  cancel(): void {
    this.#asked = undefined;
    this.#conn.destroy();
  }

  data(chunk: Uint8Array): void {
    if (this.#asked === undefined) return;
    this.#frames.push(chunk);
    const reply = this.#frames.next();
    if (reply === "more") return;
    // A copy: what became of it is written into it.
    if (reply !== "bad" && word(reply, 0) === this.#id) this.#asked.replied(Buffer.from(reply));
    // The only message on the stream was another one.
    this.#fail();
  }

  drain(): void {}

  end(): void {
    this.#fail();
  }

  close(): void {
    this.#fail();
  }

  /** Nothing, where it has been cancelled: by who was told the reply, too. */
  #fail(): void {
    this.#asked?.unreachable();
  }
}

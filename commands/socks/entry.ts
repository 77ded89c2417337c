/** A client on its way in: PROXY header and TLS, as far as they are asked for, up to a connection that speaks a proxy protocol. */
import { identify } from "../../lib/identity/identify.ts";
import { acceptProxy } from "../../lib/net/accept-proxy.ts";
import type { Conn, Early } from "../../lib/net/conn.ts";
import { runPreface } from "../../lib/net/preface.ts";
import { secure } from "../../lib/net/tls.ts";
import type { HandshakeOptions } from "../../lib/net/tls-conn.ts";
import { TlsFailure } from "../../lib/net/tls-failure.ts";
import { FirstByte } from "../../lib/session/first-byte.ts";
import { Client } from "./client.ts";
import type { LoadedTls } from "./load-tls.ts";
import type { Origin } from "./origin.ts";
import type { Asker } from "./passage.ts";
import { reject } from "./record.ts";
import type { Open, OpenState, Proxy } from "./proxy.ts";

/** What is spoken inside TLS. A client that offers no protocol id may come as well. */
const PROTOCOL_IDS = ["h2", "http/1.1"];

const NOTHING: Early = { bytes: new Uint8Array(0), ended: false };

/** Why a client does not come in. */
interface Fault {
  reason: string;
  message: string;
}

export class Entry implements Open, Asker {
  conn: Conn;
  readonly session: string;
  readonly user = undefined;
  origin: Origin;
  readonly #number: number;
  readonly #proxy: Proxy;

  /** Takes a connection in; it keeps itself from here on. */
  static admit(proxy: Proxy, conn: Conn): void {
    void new Entry(proxy, conn).#comeIn();
  }

  private constructor(proxy: Proxy, conn: Conn) {
    this.#proxy = proxy;
    this.conn = conn;
    this.#number = proxy.nextSession();
    this.session = proxy.sessionName(this.#number);
    // Asked now: a closed socket no longer knows.
    this.origin = { client: conn.remote, tls: undefined, peer: undefined };
    proxy.open.enter(this);
  }

  describe(): OpenState[] {
    return [{ state: "asking", asker: this, asked: undefined, passage: undefined }];
  }

  /** Nothing was asked for yet. */
  retire(): void {
    this.conn.destroy();
  }

  cut(): void {
    this.conn.destroy();
  }

  async #comeIn(): Promise<void> {
    const early = await this.#passThrough();
    if ("reason" in early) {
      reject(this.#proxy, this, early.reason, early.message);
      this.conn.destroy();
    } else Client.admit(this.#proxy, this.conn, { number: this.#number, origin: this.origin, early });
    this.#proxy.open.leave(this);
  }

  /** What was read behind the last layer, or what was wrong. */
  async #passThrough(): Promise<Early | Fault> {
    const { acceptProxyFrom, tls } = this.#proxy.settings.wayIn;
    const { deadlines } = this.#proxy;
    let early = NOTHING;
    if (acceptProxyFrom !== undefined) {
      const header = await acceptProxy(this.conn, acceptProxyFrom, deadlines);
      if (!header.ok) return { reason: header.code, message: header.reason };
      early = header.early;
      if (header.source !== undefined) this.origin = { ...this.origin, client: header.source };
    }
    if (tls === undefined) return early;
    if (tls.plaintext) {
      const first = await runPreface(this.conn, new FirstByte(), deadlines, early);
      if (!first.ok) return { reason: first.code === "timeout" ? "timeout" : "protocol", message: first.reason };
      if (!first.value) return first.early;
      early = first.early;
    }
    return (await this.#secure(this.#proxy.tls!, early)) ?? NOTHING;
  }

  /** Undefined once the connection is one over TLS, and its certificate, if there is one, as it should be. */
  async #secure({ context, trust }: LoadedTls, early: Early): Promise<Fault | undefined> {
    const { clientCert } = this.#proxy.settings.wayIn.tls!;
    const options: HandshakeOptions = {
      context,
      requestCert: clientCert !== "off",
      verify: clientCert === "off" ? false : clientCert === "required" || "given",
      protocolIds: PROTOCOL_IDS,
      deadlines: this.#proxy.deadlines,
      keepAlive: this.#proxy.settings.keepAlive,
    };
    const conn = await secure(this.conn, early, true, options);
    if (conn instanceof TlsFailure) return conn;
    this.conn = conn;
    const known = identify(conn.tls, Date.now(), trust);
    if (known.ok) {
      this.origin = { ...this.origin, tls: conn.tls, peer: known.peer };
      return undefined;
    }
    this.origin = { ...this.origin, tls: conn.tls, peer: known.peer };
    return known;
  }
}

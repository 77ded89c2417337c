/** Makes connections to the storage: where it is dialled, over TLS as who it is asked for by its URL, which is always verified. */
import type { Conn } from "../../../lib/net/conn.ts";
import { Deadlines } from "../../../lib/net/deadlines.ts";
import { DialError, type Dialer } from "../../../lib/net/dial.ts";
import type { KeepAlive } from "../../../lib/net/keep-alive.ts";
import type { Resolve } from "../../../lib/net/resolve.ts";
import { secureHost } from "../../../lib/net/secure-host.ts";
import { Target } from "../../../lib/net/target.ts";
import { secure } from "../../../lib/net/tls.ts";
import { SessionCache, type HandshakeOptions } from "../../../lib/net/tls-conn.ts";
import { TlsFailure } from "../../../lib/net/tls-failure.ts";
import type { LoadedUpstream } from "./load.ts";
import { Trouble } from "./trouble.ts";
import type { Place, UpstreamUrl } from "./upstream-url.ts";
import { parseIp } from "../../../lib/wire/ip.ts";

interface ConnectorTools {
  readonly dialer: Dialer;
  readonly resolve: Resolve;
  readonly keepAlive: KeepAlive;
  /** Milliseconds for TLS. */
  readonly timeout: number;
}

const NOTHING = { bytes: new Uint8Array(0), ended: false };

export class Connector {
  readonly #target: Target;
  /** The name that the certificate must carry: that of the URL, wherever it is dialled. */
  readonly #host: string;
  readonly #loaded: LoadedUpstream | undefined;
  readonly #options: HandshakeOptions | undefined;

  /** `loaded` is undefined where the storage is spoken to in the clear. */
  constructor(url: UpstreamUrl, dialled: Place, loaded: LoadedUpstream | undefined, tools: ConnectorTools) {
    this.#target = new Target({ kind: "tcp", host: dialled.host, port: dialled.port }, tools);
    this.#host = url.host;
    this.#loaded = loaded;
    this.#options = loaded && {
      context: loaded.context,
      requestCert: true,
      verify: !loaded.unverified,
      protocolIds: ["http/1.1"],
      serverName: parseIp(url.host) === undefined ? url.host : undefined,
      sessions: new SessionCache(),
      deadlines: new Deadlines(tools.timeout),
      keepAlive: tools.keepAlive,
    };
  }

  /** Throws `Trouble`. */
  async open(): Promise<Conn> {
    const conn = await this.#target.open();
    if (conn instanceof DialError) {
      const code = conn.kind === "timeout" ? "upstream_timeout" : "upstream_unreachable";
      throw new Trouble(code, `the storage is not reached: ${conn.message}`);
    }
    if (this.#options === undefined || this.#loaded === undefined) return conn;
    if (this.#loaded.unverified) {
      const secured = await secure(conn, NOTHING, false, this.#options);
      if (secured instanceof TlsFailure) throw untrusted(secured);
      return secured;
    }
    const secured = await secureHost(conn, this.#host, this.#options, this.#loaded.trust);
    if ("reason" in secured) throw untrusted(secured);
    return secured;
  }
}

function untrusted({ reason, message }: { reason: string; message: string }): Trouble {
  const late = reason === "handshake_timeout";
  return new Trouble(late ? "upstream_timeout" : "upstream_untrusted", `no TLS with the storage: ${message}`);
}

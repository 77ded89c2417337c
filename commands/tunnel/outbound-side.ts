/** The proxy behind which the targets of a client tunnel are: how to connect to it, and how to speak TLS with it. */
import type { OutboundProxy } from "../../lib/net/through-proxy.ts";
import type { Target } from "../../lib/net/target.ts";
import type { HandshakeOptions } from "../../lib/net/tls-conn.ts";

export interface OutboundSide {
  readonly url: OutboundProxy;
  readonly target: Target;
  /** For a proxy that is spoken to over TLS. */
  handshakeOptions(): HandshakeOptions;
}

/** TLS in front of a status listener, with the daemon's own certificate. */
import type { Identity } from "../identity/identity.ts";
import type { Trust } from "../identity/trust.ts";
import type { Conn } from "../net/conn.ts";
import { secure } from "../net/tls.ts";
import type { HandshakeOptions } from "../net/tls-conn.ts";
import { createContext, type TlsContext } from "../net/tls-context.ts";
import type { TlsFailure } from "../net/tls-failure.ts";
import type { TlsTerms } from "../net/tls-flags.ts";
import type { StatusSettings } from "./status-settings.ts";

/** HTTPS unless the operator says otherwise, the address is not of the network, or there is no certificate to serve with. */
export function wantsTls({ scheme, endpoint }: StatusSettings, certified: boolean): boolean {
  if (scheme !== undefined) return scheme === "https";
  return endpoint.kind !== "unix" && certified;
}

const NOTHING = { bytes: new Uint8Array(0), ended: false };

/**
 * With the certificate that is in force at each handshake. With `trust` clients are asked for one, which they may leave
 * out; one that does not lead to it ends the handshake.
 */
export function statusTls(
  identity: () => Identity | undefined,
  { deadlines, keepAlive, terms }: Pick<HandshakeOptions, "deadlines" | "keepAlive"> & { terms?: TlsTerms | undefined },
  trust: () => Trust | undefined = () => undefined,
): (conn: Conn) => Promise<Conn | TlsFailure> {
  let made: { of: Identity | undefined; by: Trust | undefined; context: TlsContext } | undefined;
  return async (conn) => {
    const [now, trusted] = [identity(), trust()];
    if (made === undefined || made.of !== now || made.by !== trusted) {
      // A session without a certificate is not to be taken up again by one that needs none.
      const context = createContext({
        material: now?.credential,
        ca: trusted?.ca,
        crl: trusted?.crl,
        ...terms,
        tickets: trusted === undefined,
      });
      made = { of: now, by: trusted, context };
    }
    const { context } = made;
    const asks = trusted !== undefined;
    const verify = asks ? "given" : false;
    return secure(conn, NOTHING, true, { context, requestCert: asks, verify, protocolIds: [], deadlines, keepAlive });
  };
}

/** TLS in front of a status listener, with the daemon's own certificate. */
import type { Identity } from "../identity/identity.ts";
import type { Conn } from "../net/conn.ts";
import { secure } from "../net/tls.ts";
import type { HandshakeOptions } from "../net/tls-conn.ts";
import { createContext, type TlsContext } from "../net/tls-context.ts";
import type { TlsFailure } from "../net/tls-failure.ts";
import type { StatusSettings } from "./status-settings.ts";

/** HTTPS unless the operator says otherwise, the address is not of the network, or there is no certificate to serve with. */
export function wantsTls({ scheme, endpoint }: StatusSettings, certified: boolean): boolean {
  if (scheme !== undefined) return scheme === "https";
  return endpoint.kind !== "unix" && certified;
}

const NOTHING = { bytes: new Uint8Array(0), ended: false };

/** With the certificate that is in force at each handshake; clients are asked for none. */
export function statusTls(
  identity: () => Identity | undefined,
  { deadlines, keepAlive }: Pick<HandshakeOptions, "deadlines" | "keepAlive">,
): (conn: Conn) => Promise<Conn | TlsFailure> {
  let made: { of: Identity | undefined; context: TlsContext } | undefined;
  return async (conn) => {
    const now = identity();
    if (made === undefined || made.of !== now)
      made = { of: now, context: createContext({ material: now?.credential }) };
    const { context } = made;
    const options = { context, requestCert: false, verify: false, protocolIds: [], deadlines, keepAlive };
    return secure(conn, NOTHING, true, options);
  };
}

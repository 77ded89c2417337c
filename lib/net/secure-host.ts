/** TLS with a server that must be who it was dialled as: its chain verified, its name found among the alternative names. */
import { identify } from "../identity/identify.ts";
import type { Peer } from "../identity/peer.ts";
import { checkServerName } from "../identity/server-name.ts";
import type { Conn } from "./conn.ts";
import { secure } from "./tls.ts";
import type { HandshakeOptions } from "./tls-conn.ts";
import { TlsFailure } from "./tls-failure.ts";

/** Why it is not. */
interface NotSecured {
  /** A word of `TlsFailureReason`, or `name_mismatch`. */
  reason: string;
  message: string;
  /** Whom it turned out to be, where its certificate could be read. */
  peer?: Peer | undefined;
}

const NOTHING = { bytes: new Uint8Array(0), ended: false };

/** Puts TLS over `dialled`. Where it comes to nothing the connection is closed. */
export async function secureHost(dialled: Conn, host: string, options: HandshakeOptions): Promise<Conn | NotSecured> {
  const conn = await secure(dialled, NOTHING, false, options);
  if (conn instanceof TlsFailure) return conn;
  const known = identify(conn.tls, Date.now());
  const named = known.ok && known.peer !== undefined && checkServerName(known.peer, host).ok;
  if (named) return conn;
  conn.destroy();
  if (!known.ok) return known;
  return { reason: "name_mismatch", message: `the certificate is not for ${JSON.stringify(host)}`, peer: known.peer };
}

/** TLS with a server that must be who it was dialled as: its chain verified, its name found among the alternative names. */
import { identify, type Identified } from "../identity/identify.ts";
import type { Peer } from "../identity/peer.ts";
import { checkServerName } from "../identity/server-name.ts";
import type { Trust } from "../identity/trust.ts";
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

/** Puts TLS over `dialled`. Where it comes to nothing the connection is closed. `trust` tells how long revocation lists hold. */
export async function secureHost(
  dialled: Conn,
  host: string,
  options: HandshakeOptions,
  trust?: Pick<Trust, "listedUntil">,
): Promise<Conn | NotSecured> {
  const conn = await secure(dialled, NOTHING, false, options);
  if (conn instanceof TlsFailure) return conn;
  const refused = refusalOf(identify(conn.tls, Date.now(), trust), host);
  if (refused !== undefined) conn.destroy();
  return refused ?? conn;
}

function refusalOf(known: Identified, host: string): NotSecured | undefined {
  if (!known.ok) return known;
  const { peer } = known;
  if (peer === undefined) return { reason: "no_certificate", message: "the server gave no certificate" };
  const named = checkServerName(peer, host);
  return named.ok ? undefined : { reason: "name_mismatch", message: named.message, peer };
}

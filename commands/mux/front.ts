/** The client's side of a routed connection: passed on as it is, or ended here, as far as the client's own proof goes. */
import { permits } from "../../lib/identity/access.ts";
import { identify } from "../../lib/identity/identify.ts";
import type { Peer } from "../../lib/identity/peer.ts";
import type { Conn, Early } from "../../lib/net/conn.ts";
import type { Deadlines } from "../../lib/net/deadlines.ts";
import type { KeepAlive } from "../../lib/net/keep-alive.ts";
import { secure } from "../../lib/net/tls.ts";
import { TlsFailure } from "../../lib/net/tls-failure.ts";
import { Refusal } from "./refusal.ts";
import type { Route } from "./route.ts";
import type { ClientCertificate } from "./route-settings.ts";
import type { Arrival } from "./sniff.ts";

export interface Front {
  conn: Conn;
  /** What came ahead of the receiver. */
  early: Early;
  /** The client's certificate, if it gave one. */
  peer: Peer | undefined;
}

interface FrontTools {
  deadlines: Deadlines;
  keepAlive: KeepAlive;
}

const NOTHING: Early = { bytes: new Uint8Array(0), ended: false };

const VERIFIES: Record<ClientCertificate, boolean | "given"> = { off: false, optional: "given", required: true };

/** Whether TLS does not end here. */
export function passesTls({ route, cancel }: Arrival<Route>): boolean {
  return route.settings.termination === undefined || cancel !== undefined;
}

/** What passes as it is: nothing is known of the client but what its hello says. */
export function passed({ conn, early }: Arrival<Route>): Front {
  return { conn, early, peer: undefined };
}

/** Where TLS ends here: the handshake, with the protocol id that the route was chosen by, and who the client is. */
export async function openFront(
  arrival: Arrival<Route>,
  { deadlines, keepAlive }: FrontTools,
): Promise<Front | Refusal> {
  const { conn: accepted, early, route, protocolId } = arrival;
  const { termination } = route.settings;
  const { front } = route.files;
  if (termination === undefined || front === undefined || arrival.cancel !== undefined)
    return { conn: accepted, early, peer: undefined };
  const { clientCertificate, rules } = termination;
  const pinned = rules?.pinned === true;
  const conn = await secure(accepted, early, true, {
    context: front.context,
    requestCert: clientCertificate !== "off",
    verify: pinned ? false : VERIFIES[clientCertificate],
    protocolIds: protocolId === undefined ? [] : [protocolId],
    deadlines,
    keepAlive,
  });
  if (conn instanceof TlsFailure) return new Refusal("handshake", conn.reason, conn.message);
  const judged = judge(conn, route, protocolId);
  if (judged instanceof Refusal) {
    conn.destroy();
    return judged;
  }
  return { conn, early: NOTHING, peer: judged.peer };
}

function judge(conn: Conn, route: Route, protocolId: string | undefined): { peer: Peer | undefined } | Refusal {
  const { rules, clientCertificate } = route.settings.termination!;
  if (protocolId !== undefined && conn.tls?.protocolId !== protocolId)
    return new Refusal("handshake", "protocol_id_missing", "the protocol id of the route was not agreed upon");
  if (clientCertificate === "off") return { peer: undefined };
  const known = identify(conn.tls, rules?.pinned ? undefined : Date.now(), route.files.front!.trust);
  if (!known.ok) return new Refusal("handshake", known.reason, known.message, { peer: known.peer });
  const { peer } = known;
  if (peer === undefined && clientCertificate === "required")
    return new Refusal("handshake", "no_certificate", "the client gave no certificate");
  const verdict = rules === undefined ? undefined : permits(rules, peer);
  if (verdict === undefined || verdict.ok) return { peer };
  return new Refusal("handshake", verdict.reason, verdict.message, { peer });
}

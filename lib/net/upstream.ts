/** A server as somebody's client comes to it: dialled, through a proxy where one stands before it, secured, and held to who it should be. Asks no policy. */
import { permits, type AccessRules } from "../identity/access.ts";
import { identify } from "../identity/identify.ts";
import type { Peer } from "../identity/peer.ts";
import { checkServerName } from "../identity/server-name.ts";
import type { Trust } from "../identity/trust.ts";
import { canonicalHost } from "../wire/host.ts";
import type { Conn, Early, SocketAddress } from "./conn.ts";
import type { Deadlines } from "./deadlines.ts";
import { DialError } from "./dial.ts";
import { secureHost } from "./secure-host.ts";
import { requestStartTls, type StartTlsProtocol } from "./starttls.ts";
import type { Target } from "./target.ts";
import { ProxyError, throughProxy, type OutboundProxy } from "./through-proxy.ts";
import { peerChain, type HandshakeOptions } from "./tls-conn.ts";
import { TlsFailure } from "./tls-failure.ts";
import { secure } from "./tls.ts";

/** The proxy behind which the targets are: how to connect to it, and how to speak TLS with it. */
export interface OutboundSide {
  readonly url: OutboundProxy;
  readonly target: Target;
  /** For a proxy that is spoken to over TLS. */
  handshakeOptions(): HandshakeOptions;
}

/** How targets are come to. */
export interface Way {
  readonly proxy: OutboundSide | undefined;
  readonly deadlines: Deadlines;
}

/** How targets are come to that are spoken to over TLS, and who they must be. */
export interface SecuredWay extends Way {
  readonly settings: {
    readonly starttls: StartTlsProtocol | undefined;
    /** The name to ask for and to demand; undefined is the target's host. */
    readonly serverName: string | undefined;
    /** What the certificate must say as well; pins take the place of chain and name. */
    readonly rules: AccessRules | undefined;
    /** A common name counts as the server's name where there is no alternative name. */
    readonly cnAsName: boolean;
    readonly protocolIds: readonly string[];
    /** Whether the server must agree to one of the protocol ids. */
    readonly confirmed?: boolean;
  };
  readonly trust: Pick<Trust, "listedUntil"> | undefined;
  handshakeOptions(target: Target, serverName: string): HandshakeOptions;
  /** In place of what `starttls` names: a way to TLS that has the client's words in it. Where it fails it closes the connection. */
  startTls?(dialled: Conn, early: Early): Promise<StartedTls>;
  /** Asked about a server whose chain is verified: it may refuse, or take the place of the check of the name. */
  verify?(server: Server): Promise<Verified>;
}

export interface Server {
  readonly peer: Peer;
  /** DER, leaf first. */
  readonly chain: readonly Uint8Array[];
  readonly serverName: string;
}

type Verified = { verdict: "check" | "accept" } | { verdict: "refuse"; reason: string; message: string };

export type StartedTls = { ok: true; early: Early } | { ok: false; code: string; reason: string };

/** A connection to the target, which may have been read already. */
interface Dialled {
  conn: Conn;
  early: Early;
}

export interface Reached {
  conn: Conn;
  /** What was connected to: the target's address, or that of the proxy before it. */
  address: SocketAddress;
  peer: Peer;
  /** The name that its certificate was checked for. */
  serverName: string;
}

/** Why a target was not reached, as a value: it is the peer's doing. Nothing is open then. */
export class Unreached {
  /** Stable, e.g. `dial_refused`, `unknown_ca`. */
  readonly reason: string;
  /** Holds nothing that the peer chose, or has it quoted. */
  readonly message: string;
  /** Whom it turned out to be, where its certificate could be read. */
  readonly peer: Peer | undefined;

  constructor(reason: string, message: string, peer?: Peer) {
    this.reason = reason;
    this.message = message;
    this.peer = peer;
  }
}

const NOTHING: Early = { bytes: new Uint8Array(0), ended: false };

/** Connects to `target`, as far as TLS and its certificate go. */
export async function openUpstream(way: SecuredWay, target: Target): Promise<Reached | Unreached> {
  const dialled = await dialTarget(way, target);
  if (dialled instanceof Unreached) return dialled;
  // Asked now: a closed socket no longer knows.
  const address = dialled.conn.remote;
  const secured = await secureTarget(way, target, dialled);
  return secured instanceof Unreached ? secured : { ...secured, address };
}

/** Connects to `target` in the clear. */
export async function dialTarget({ proxy, deadlines }: Way, target: Target): Promise<Dialled | Unreached> {
  const conn = await (proxy === undefined ? target : proxy.target).open();
  if (conn instanceof DialError) return new Unreached(`dial_${conn.kind}`, conn.message);
  if (proxy === undefined || target.endpoint.kind !== "tcp") return { conn, early: NOTHING };
  const { url } = proxy;
  const open = url.tls ? await secureAside(conn, url.host, proxy.handshakeOptions(), String(url)) : conn;
  if (open instanceof Unreached) return open;
  try {
    return await throughProxy(open, url, target.endpoint, deadlines);
  } catch (error) {
    if (error instanceof ProxyError) return new Unreached(error.code, error.message);
    throw error;
  }
}

/** TLS with who must be `host`, as its URL `url` says, and is not the target. */
export async function secureAside(
  dialled: Conn,
  host: string,
  options: HandshakeOptions,
  url: string,
): Promise<Conn | Unreached> {
  const secured = await secureHost(dialled, host, options);
  if (!("reason" in secured)) return secured;
  const { reason, message, peer } = secured;
  return reason === "name_mismatch"
    ? new Unreached("proxy_server_name_mismatch", `the certificate of ${url} is not for its host`)
    : new Unreached(reason, message, peer);
}

async function secureTarget(
  way: SecuredWay,
  target: Target,
  { conn: dialled, early: read }: Dialled,
): Promise<Omit<Reached, "address"> | Unreached> {
  const { settings } = way;
  let early = read;
  if (settings.starttls !== undefined || way.startTls !== undefined) {
    const started: StartedTls = await (way.startTls?.(dialled, early) ??
      requestStartTls(dialled, early, way.deadlines));
    if (!started.ok) return new Unreached(started.code, started.reason);
    early = started.early;
  }
  const serverName = settings.serverName ?? hostOf(target);
  const conn = await secure(dialled, early, false, way.handshakeOptions(target, serverName));
  if (conn instanceof TlsFailure) return failed(conn, settings.protocolIds, serverName);
  const judged = await judge(way, conn, serverName);
  if (judged instanceof Unreached) {
    conn.destroy();
    return judged;
  }
  return { conn, peer: judged, serverName };
}

/** Without the dot at the end that a resolver may want (RFC 6066 section 3). */
function hostOf({ endpoint }: Target): string {
  return endpoint.kind === "unix" ? "localhost" : (canonicalHost(endpoint.host).host ?? endpoint.host);
}

function failed({ reason, message }: TlsFailure, protocolIds: readonly string[], serverName: string): Unreached {
  if (reason === "unrecognized_name")
    return new Unreached(reason, `the server knows no name ${JSON.stringify(serverName)}`);
  if (reason !== "no_application_protocol") return new Unreached(reason, message);
  const why =
    protocolIds.length === 0
      ? "the server wants a protocol id, and none was offered"
      : `the server takes none of the protocol ids that were offered: ${quoted(protocolIds)}`;
  return new Unreached(reason, why);
}

/** Our own, so all of them. */
function quoted(protocolIds: readonly string[]): string {
  return protocolIds.map((id) => JSON.stringify(id)).join(", ");
}

/** A pin takes the place of chain and name; all else comes on top of them. */
async function judge(way: SecuredWay, conn: Conn, serverName: string): Promise<Peer | Unreached> {
  const { rules, cnAsName, protocolIds, confirmed } = way.settings;
  const pinned = rules?.pinned === true;
  const known = identify(conn.tls, pinned ? undefined : Date.now(), way.trust);
  if (!known.ok) return new Unreached(known.reason, known.message, known.peer);
  const { peer } = known;
  if (peer === undefined) return new Unreached("no_certificate", "the target gave no certificate");
  const verified = pinned ? undefined : await way.verify?.({ peer, chain: chainOf(conn, peer), serverName });
  if (verified?.verdict === "refuse") return new Unreached(verified.reason, verified.message, peer);
  if (!pinned && verified?.verdict !== "accept") {
    const named = checkServerName(peer, serverName, { cnWithoutSan: cnAsName });
    if (!named.ok) return new Unreached(named.reason, named.message, peer);
  }
  const verdict = rules === undefined ? undefined : permits(rules, peer);
  if (verdict?.ok === false) return new Unreached(verdict.reason, verdict.message, peer);
  if (confirmed === true && conn.tls?.protocolId === undefined)
    return new Unreached("protocol_id_unconfirmed", `the server confirmed none of ${quoted(protocolIds)}`, peer);
  return peer;
}

/** Of a connection whose key is in a token, only its own certificate is known. */
function chainOf(conn: Conn, peer: Peer): readonly Uint8Array[] {
  const chain = peerChain(conn);
  return chain.length === 0 ? [peer.der] : chain;
}

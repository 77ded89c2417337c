/** The target's side of a connection: dialled, secured and verified, with the next target where one fails. */
import type { Conn, Early, SocketAddress } from "../../lib/net/conn.ts";
import { DialError } from "../../lib/net/dial.ts";
import type { Target } from "../../lib/net/target.ts";
import { requestStartTls } from "../../lib/net/starttls.ts";
import { ProxyError, throughProxy } from "../../lib/net/through-proxy.ts";
import { secureHost as secureAs } from "../../lib/net/secure-host.ts";
import { secure } from "../../lib/net/tls.ts";
import type { HandshakeOptions } from "../../lib/net/tls-conn.ts";
import { TlsFailure } from "../../lib/net/tls-failure.ts";
import type { Peer } from "../../lib/identity/peer.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import { checkServerName } from "../../lib/identity/server-name.ts";
import { identify, refusedByRules } from "./authorise.ts";
import { dialRefusal, handshakeRefusal, Refusal } from "./refusal.ts";
import type { Tunnel } from "./tunnel.ts";

export interface Back {
  conn: Conn;
  target: Target;
  /** What was connected to: the target's address, or that of the proxy before it. */
  address: SocketAddress;
  /** The target's certificate, where TLS is spoken with it. */
  peer: Peer | undefined;
  /** The name that its certificate was checked for. */
  serverName: string | undefined;
}

const NOTHING: Early = { bytes: new Uint8Array(0), ended: false };

/** Connects to the first target that answers and is who it should be. */
export async function openBack(tunnel: Tunnel): Promise<Back | Refusal> {
  let refusal = new Refusal("dial", "dial_other", "there is no target");
  for (const target of tunnel.targets.inOrder()) {
    const back = await openTarget(tunnel, target);
    if (!(back instanceof Refusal)) {
      target.succeeded();
      return back;
    }
    target.failed();
    refusal = back;
  }
  return refusal;
}

/** Connects to `target`; of a client tunnel, as far as TLS and the target's certificate go. */
export async function openTarget(tunnel: Tunnel, target: Target): Promise<Back | Refusal> {
  const dialled = await dial(tunnel, target);
  if (dialled instanceof Refusal) return dialled;
  // Asked now: a closed socket no longer knows.
  const address = dialled.conn.remote;
  if (tunnel.settings.side === "server")
    return { conn: dialled.conn, target, address, peer: undefined, serverName: undefined };
  const secured = await secureTarget(tunnel, target, dialled.conn, dialled.early);
  return secured instanceof Refusal ? secured : { ...secured, target, address };
}

async function dial(tunnel: Tunnel, target: Target): Promise<{ conn: Conn; early: Early } | Refusal> {
  const { proxy } = tunnel;
  const conn = await (proxy === undefined ? target : proxy.target).open();
  if (conn instanceof DialError) return dialRefusal(conn);
  if (proxy === undefined || target.endpoint.kind !== "tcp") return { conn, early: NOTHING };
  const open = proxy.url.tls
    ? await secureHost(conn, proxy.url.host, proxy.handshakeOptions(), String(proxy.url))
    : conn;
  if (open instanceof Refusal) return open;
  try {
    return await throughProxy(open, proxy.url, target.endpoint, tunnel.deadlines);
  } catch (error) {
    if (error instanceof ProxyError) return new Refusal("dial", error.code, error.message);
    throw error;
  }
}

/** TLS with who must be `host`, as its URL `url` says, and is no party to the tunnel. */
export async function secureHost(
  dialled: Conn,
  host: string,
  options: HandshakeOptions,
  url: string,
): Promise<Conn | Refusal> {
  const secured = await secureAs(dialled, host, options);
  if (!("reason" in secured)) return secured;
  const { reason, message, peer } = secured;
  return reason === "name_mismatch"
    ? new Refusal("dial", "proxy_server_name_mismatch", `the certificate of ${url} is not for its host`)
    : new Refusal("dial", reason, message, { peer });
}

async function secureTarget(
  tunnel: Tunnel,
  target: Target,
  dialled: Conn,
  read: Early,
): Promise<Omit<Back, "target" | "address"> | Refusal> {
  const { settings } = tunnel;
  let early = read;
  if (settings.starttls !== undefined) {
    const started = await requestStartTls(dialled, early, tunnel.deadlines);
    if (!started.ok) return new Refusal("dial", started.code, started.reason);
    early = started.early;
  }
  const serverName = settings.serverName ?? hostOf(target);
  const conn = await secure(dialled, early, false, tunnel.handshakeOptions(target, serverName));
  if (conn instanceof TlsFailure) return handshakeRefusal("dial", conn);
  const known = identify(conn.tls, "dial", tunnel.pinned ? undefined : Date.now(), tunnel.trust);
  const refused = known instanceof Refusal ? known : refusedTarget(tunnel, known.peer, serverName);
  if (refused !== undefined) {
    conn.destroy();
    return refused;
  }
  return { conn, peer: (known as { peer: Peer }).peer, serverName };
}

/** Without the dot at the end that a resolver may want (RFC 6066 section 3). */
function hostOf({ endpoint }: Target): string {
  return endpoint.kind === "unix" ? "localhost" : (canonicalHost(endpoint.host).host ?? endpoint.host);
}

/** A pin takes the place of chain and name; all else comes on top of them. */
function refusedTarget(tunnel: Tunnel, peer: Peer | undefined, serverName: string): Refusal | undefined {
  const { rules, cnAsName } = tunnel.settings;
  if (peer === undefined) return new Refusal("dial", "no_certificate", "the target gave no certificate");
  if (!tunnel.pinned) {
    const named = checkServerName(peer, serverName, { cnWithoutSan: cnAsName });
    if (!named.ok) return new Refusal("dial", named.reason, named.message, { peer });
  }
  return rules && refusedByRules(rules, peer, "dial");
}

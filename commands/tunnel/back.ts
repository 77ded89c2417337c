/** The target's side of a connection: the next target where one fails, and of a client one that is who it should be. */
import type { Conn, SocketAddress } from "../../lib/net/conn.ts";
import type { Target } from "../../lib/net/target.ts";
import { dialTarget, openUpstream, Unreached } from "../../lib/net/upstream.ts";
import type { Peer } from "../../lib/identity/peer.ts";
import { Refusal } from "./refusal.ts";
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
  if (tunnel.settings.side === "client") {
    const reached = await openUpstream(tunnel, target);
    return reached instanceof Unreached ? refusalOf(reached) : { ...reached, target };
  }
  const dialled = await dialTarget(tunnel, target);
  if (dialled instanceof Unreached) return refusalOf(dialled);
  const { conn } = dialled;
  return { conn, target, address: conn.remote, peer: undefined, serverName: undefined };
}

function refusalOf({ reason, message, peer }: Unreached): Refusal {
  return new Refusal("dial", reason, message, { peer });
}

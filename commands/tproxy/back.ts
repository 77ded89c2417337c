/** The server's side of a captured connection: dialled, brought to TLS in whatever way its protocol has, and held to who it should be. */
import type { Conn, Early, SocketAddress } from "../../lib/net/conn.ts";
import { MysqlOpening } from "../../lib/net/mysql-opening.ts";
import { awaitPlainPostgres } from "../../lib/net/starttls.ts";
import type { Peer } from "../../lib/identity/peer.ts";
import { dialTarget, openUpstream, Unreached } from "../../lib/net/upstream.ts";
import type { Arrival } from "./arrival.ts";
import { Refusal } from "./refusal.ts";
import type { Tproxy } from "./tproxy.ts";

export interface Back {
  conn: Conn;
  /** What was connected to: the server's address, or that of the proxy before it. */
  address: SocketAddress;
  /** Who the server is, and the name that its certificate was checked for; of what goes on as it is neither. */
  peer?: Peer;
  serverName?: string;
}

export interface Opened {
  back: Back;
  /** What came ahead of the relay. */
  fromClient: Early;
  fromServer: Early;
}

const NOTHING: Early = { bytes: new Uint8Array(0), ended: false };

/** Nothing is open where it comes to nothing, but for the client. */
export function openBack(tproxy: Tproxy, arrival: Arrival): Promise<Opened | Refusal> {
  if (arrival.plain) return openPlain(arrival);
  const { starttls } = arrival.route;
  if (starttls === "mysql") return openMysql(tproxy, arrival);
  return starttls === "postgres" ? openPostgres(tproxy, arrival) : open(arrival, NOTHING);
}

async function open(arrival: Arrival, fromClient: Early): Promise<Opened | Refusal> {
  const { route, target } = arrival;
  const reached = await openUpstream(route.wayTo(arrival), route.target(target.host, target.port));
  return reached instanceof Unreached ? refusalOf(reached) : { back: reached, fromClient, fromServer: NOTHING };
}

async function openPlain(arrival: Arrival): Promise<Opened | Refusal> {
  const { route, target } = arrival;
  const dialled = await dialTarget(route.wayTo(arrival), route.target(target.host, target.port));
  if (dialled instanceof Unreached) return refusalOf(dialled);
  const { conn, early } = dialled;
  return { back: { conn, address: conn.remote }, fromClient: NOTHING, fromServer: early };
}

/** A client that would rather have TLS is told that there is none, and goes on without. */
async function openPostgres(tproxy: Tproxy, arrival: Arrival): Promise<Opened | Refusal> {
  const began = await awaitPlainPostgres(arrival.conn, tproxy.deadlines);
  return began.ok ? open(arrival, began.early) : new Refusal(began.code, began.reason);
}

async function openMysql(tproxy: Tproxy, arrival: Arrival): Promise<Opened | Refusal> {
  const { conn, route, target } = arrival;
  const opening = new MysqlOpening(conn, tproxy.deadlines);
  const way = route.wayTo(arrival, (dialled, early) => opening.startTls(dialled, early));
  const reached = await openUpstream(way, route.target(target.host, target.port));
  if (reached instanceof Unreached) return refusalOf(reached);
  const authenticated = await opening.authenticate(reached.conn);
  if (authenticated.ok) return { back: reached, ...authenticated.early };
  reached.conn.destroy();
  return new Refusal(authenticated.code, authenticated.reason);
}

function refusalOf({ reason, message, peer }: Unreached): Refusal {
  return new Refusal(reason, message, { peer });
}

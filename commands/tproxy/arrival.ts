/** What a captured connection is: where it was going, whose it is, and the rule that takes it. Dials nothing. */
import type { Conn } from "../../lib/net/conn.ts";
import type { TcpAddress } from "../../lib/net/original-destination.ts";
import { processOf, socketOwner } from "../../lib/service/socket-user.ts";
import { Refusal } from "./refusal.ts";
import type { Route } from "./route.ts";
import { chooseRule, type Client } from "./rule.ts";
import type { Tproxy } from "./tproxy.ts";

export interface Arrival {
  conn: Conn;
  /** Where the client was going. */
  destination: TcpAddress;
  client: Client | undefined;
  route: Route;
  /** The name that it meant. */
  host: string;
  /** What is dialled. */
  target: { host: string; port: number };
  /** Whether it goes on as it is, without TLS. */
  plain: boolean;
}

/** What is known before a rule was found, for the record. */
export interface Told {
  destination: TcpAddress | undefined;
  client: Client | undefined;
}

/** Finds out all of it at once, by a few system calls; or why the connection is not taken. */
export function receive(tproxy: Tproxy, conn: Conn, told: Told): Arrival | Refusal {
  const { captured, names, routes } = tproxy;
  const destination = captured.destinationOf(conn);
  if (destination === undefined)
    return new Refusal("not_captured", "the connection was made to us and not to anybody whom we stand for");
  told.destination = destination;
  const client = tproxy.asksUser ? clientOf(conn, destination, tproxy.asksProcess) : undefined;
  told.client = client;
  const alien = aliens(tproxy, client);
  if (alien !== undefined) return alien;
  const { ip, port } = destination;
  const fake = names.isFake(ip);
  const choice = chooseRule(routes, port, names.namesOf(ip), client, fake);
  if (choice instanceof Refusal) return choice;
  const { rule: route, host } = choice;
  const mapped = route.ports.get(port);
  if (mapped === undefined) return { conn, destination, client, route, host, target: { host, port }, plain: true };
  const { target } = route.settings;
  const dialled = { host: target?.host ?? (fake ? host : ip), port: target?.port ?? mapped };
  return { conn, destination, client, route, host, target: dialled, plain: false };
}

function aliens({ captured }: Tproxy, client: Client | undefined): Refusal | undefined {
  const { localOnly, onlyUser } = captured;
  if (client === undefined)
    return localOnly || onlyUser !== undefined
      ? new Refusal("client_unknown", "the connection is of no program of this machine that could be found")
      : undefined;
  if (onlyUser === undefined || client.uid === onlyUser) return undefined;
  return new Refusal("wrong_user", `the connection is of user ${client.uid}`);
}

function clientOf(conn: Conn, destination: TcpAddress, withProcess: boolean): Client | undefined {
  if (!("ip" in conn.remote)) return undefined;
  const owner = socketOwner(conn.remote, destination);
  if (owner === undefined) return undefined;
  return { uid: owner.uid, ...(withProcess && { process: processOf(owner) }) };
}

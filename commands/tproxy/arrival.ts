/** What a captured connection is: where it was going, whose it is, and the rule that takes it. Dials nothing. */
import type { Conn } from "../../lib/net/conn.ts";
import type { TcpAddress } from "../../lib/net/original-destination.ts";
import { runPreface } from "../../lib/net/preface.ts";
import { unread } from "../../lib/net/unread.ts";
import { processOf, socketOwner } from "../../lib/service/socket-user.ts";
import { MeantName } from "../../lib/session/meant-name.ts";
import { AmbiguousName, Refusal } from "./refusal.ts";
import type { Route } from "./route.ts";
import { chooseRule, type Choice, type Client } from "./rule.ts";
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
  /** Whether all this follows from where the client was going. */
  byAddress: boolean;
}

/** What is known before a rule was found, for the record. */
export interface Told {
  destination: TcpAddress | undefined;
  client: Client | undefined;
}

/**
 * Finds out all of it, at once by a few system calls unless the client is to tell which of several names it means; or why the
 * connection is not taken.
 */
export async function receive(tproxy: Tproxy, conn: Conn, told: Told): Promise<Arrival | Refusal> {
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
  const choose = (hosts: readonly string[]) => chooseRule(routes, port, hosts, client, fake);
  const first = choose(names.namesOf(ip));
  const choice = first instanceof AmbiguousName ? await narrow(tproxy, conn, first, choose) : first;
  if (choice instanceof Refusal) return choice;
  const byAddress = choice === first && client === undefined;
  const { rule: route, host } = choice;
  const mapped = route.ports.get(port);
  const arrival = { conn, destination, client, route, host, byAddress };
  if (mapped === undefined) return { ...arrival, target: { host, port }, plain: true };
  const { target } = route.settings;
  const dialled = { host: target?.host ?? (fake ? host : ip), port: target?.port ?? mapped };
  return { ...arrival, target: dialled, plain: false };
}

/** By the client's first words, which may choose among the names that the address stands for, and say no other. */
async function narrow(
  { deadlines }: Tproxy,
  conn: Conn,
  unclear: AmbiguousName,
  choose: (hosts: readonly string[]) => Choice<Route> | Refusal,
): Promise<Choice<Route> | Refusal> {
  // Nothing is read of a client that no rule takes, whatever it means.
  const choices = unclear.names.map((name) => choose([name]));
  if (choices.every((choice) => choice instanceof Refusal)) return choices[0]!;
  const said = await runPreface(conn, new MeantName(), deadlines);
  if (!said.ok || !unclear.names.includes(said.value)) return unclear;
  unread(conn, said.early);
  return choose([said.value]);
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

/** From an accepted connection to the route of its client: PROXY header, first bytes, hello. Answers no hello. */
import type { PeerCredentials } from "../../lib/ffi/descriptor.ts";
import { acceptProxy } from "../../lib/net/accept-proxy.ts";
import type { Conn, Early, SocketAddress } from "../../lib/net/conn.ts";
import type { Deadlines } from "../../lib/net/deadlines.ts";
import { runPreface } from "../../lib/net/preface.ts";
import { awaitStartTls } from "../../lib/net/starttls.ts";
import { unixPeer } from "../../lib/net/unix-peer.ts";
import { CancelReader, type CancelKey } from "../../lib/session/postgres-cancel.ts";
import { HelloReader } from "../../lib/session/client-hello.ts";
import { OpeningReader, type Opening } from "../../lib/session/opening.ts";
import type { ProxySources } from "../../lib/net/accept-proxy.ts";
import type { ClientHello } from "../../lib/wire/client-hello.ts";
import type { Alert } from "../../lib/wire/tls-alert.ts";
import { alerted, Refusal } from "./refusal.ts";
import type { RouteMatch } from "./routes/match.ts";
import type { HelloWay, RouteTable } from "./routes/table.ts";
import type { CancelPlace } from "./cancellations.ts";
import type { Route } from "./route.ts";

export interface SniffRules<R = Route> {
  acceptProxyFrom: ProxySources | undefined;
  /** Until it is clear what a client wants. */
  deadlines: Deadlines;
  /** Until one that says nothing counts as silent. */
  silence: Deadlines;
  /** Bytes. */
  helloLimit: number;
  /** Where the session is that a key cancels. */
  cancellation: (key: CancelKey) => { route: R; cancel: CancelPlace } | undefined;
}

/** What is known of a client whose bytes are all still to be passed on. */
export interface Arrival<R> {
  conn: Conn;
  /** All that was read, but for what was answered. */
  early: Early;
  /** The client's address: of a PROXY header, or of the socket. */
  source: SocketAddress;
  /** Where the client connected to, by a PROXY header; else the socket knows. */
  destination: SocketAddress | undefined;
  /** The process at the other end of a UNIX socket. */
  owner: PeerCredentials | undefined;
  route: R;
  hello: ClientHello | undefined;
  /** How it came to its hello. */
  way: HelloWay;
  /** That was chosen by, and is to be confirmed where TLS ends here. */
  protocolId: string | undefined;
  capture: string | undefined;
  /** Where to a PostgreSQL cancellation goes, past the route's targets. */
  cancel?: CancelPlace;
}

/** What is told on the way, for the record of a connection that comes to nothing. */
export interface Told {
  client: SocketAddress;
  hello: ClientHello | undefined;
}

/** Reads no more than it must. Where it comes to a `Refusal` the caller ends the connection. */
export async function sniff<R extends RouteMatch>(
  conn: Conn,
  table: RouteTable<R>,
  rules: SniffRules<R>,
  told: Told,
): Promise<Arrival<R> | Refusal> {
  const { acceptProxyFrom, deadlines } = rules;
  const owner = unixPeer(conn);
  let early: Early | undefined;
  let source = conn.remote;
  let destination: SocketAddress | undefined;
  if (acceptProxyFrom !== undefined) {
    const header = await acceptProxy(conn, acceptProxyFrom, deadlines, table.silent === undefined);
    if (!header.ok) return new Refusal("hello", header.code, header.reason);
    early = header.early;
    source = told.client = header.source ?? source;
    destination = header.destination;
  }
  const came = { conn, source, destination, owner };
  const first = await readOpening(conn, table, rules, early);
  if (first instanceof Refusal) return first;
  if (first.found === undefined) return plain(came, first.early, table.silent);
  if (first.hello !== undefined) return routeHello(came, first.hello, first.early, table, "tls", told);
  if (!("name" in first.found)) return plain(came, first.early, table.routeFirstBytes(first.found));
  switch (first.found.name) {
    case "postgres-tls":
    case "postgres-gssapi": {
      const started = await awaitStartTls(conn, first.early, deadlines);
      if (!started.ok) return new Refusal("hello", started.code, started.reason);
      return readHello(came, started.early, table, rules, told);
    }
    case "postgres-cancel":
      return routeCancel(came, first.early, table, rules);
    default:
      return plain(came, first.early, table.routeFirstBytes(first.found));
  }
}

type Came = Pick<Arrival<never>, "conn" | "source" | "destination" | "owner">;

/** `found` is absent for a client that says nothing. */
async function readOpening<R extends RouteMatch>(
  conn: Conn,
  table: RouteTable<R>,
  { deadlines, silence, helloLimit }: SniffRules<R>,
  early: Early | undefined,
): Promise<(Partial<Opening> & { early: Early }) | Refusal> {
  const reader = new OpeningReader(table.expected, helloLimit);
  let outcome = await runPreface(conn, reader, table.silent === undefined ? deadlines : silence, early);
  if (!outcome.ok && outcome.code === "timeout" && table.silent !== undefined) {
    if (reader.silent) return { early: { bytes: new Uint8Array(0), ended: false } };
    // It has begun to speak: the reader goes on where it is.
    outcome = await runPreface(conn, reader, deadlines);
  }
  if (outcome.ok) return { found: outcome.value.found, hello: outcome.value.hello, early: outcome.early };
  const { code, reason, bytes } = outcome;
  if (code !== "timeout") return new Refusal("hello", code, reason, { last: bytes });
  if (reader.inHello) return new Refusal("hello", "hello_timeout", HELLO_LATE);
  return new Refusal("hello", "first_bytes_timeout", "it took too long until it was clear");
}

const HELLO_LATE = "the hello took too long";

function plain<R>(came: Came, early: Early, route: R | undefined): Arrival<R> | Refusal {
  if (route === undefined) return new Refusal("hello", "unknown_protocol", "no route takes what the client speaks");
  return { ...came, early, route, hello: undefined, way: "tls", protocolId: undefined, capture: undefined };
}

/** To the session whose key it has; what has none of ours is for the route that takes cancellations. */
async function routeCancel<R extends RouteMatch>(
  came: Came,
  early: Early,
  table: RouteTable<R>,
  { deadlines, cancellation }: SniffRules<R>,
): Promise<Arrival<R> | Refusal> {
  const outcome = await runPreface(came.conn, new CancelReader(), deadlines, early);
  if (!outcome.ok)
    return new Refusal("hello", outcome.code === "timeout" ? "hello_timeout" : outcome.code, outcome.reason);
  const found = cancellation(outcome.value);
  if (found === undefined) {
    const route = table.routeFirstBytes({ name: "postgres-cancel" });
    if (route === undefined)
      return new Refusal("hello", "unknown_cancellation", "no session has the key to be cancelled");
    return plain(came, outcome.early, route);
  }
  const arrival = plain(came, outcome.early, found.route);
  return arrival instanceof Refusal ? arrival : { ...arrival, cancel: found.cancel };
}

/** The hello of a client that has asked for TLS in the way of PostgreSQL. */
async function readHello<R extends RouteMatch>(
  came: Came,
  early: Early,
  table: RouteTable<R>,
  { deadlines, helloLimit }: SniffRules<R>,
  told: Told,
): Promise<Arrival<R> | Refusal> {
  const outcome = await runPreface(came.conn, new HelloReader(helloLimit), deadlines, early);
  if (outcome.ok) return routeHello(came, outcome.value, outcome.early, table, "postgres", told);
  const { code, reason, bytes } = outcome;
  if (code === "timeout") return new Refusal("hello", "hello_timeout", HELLO_LATE);
  return new Refusal("hello", code, reason, { last: bytes });
}

function routeHello<R extends RouteMatch>(
  { conn, source, destination, owner }: Came,
  hello: ClientHello,
  early: Early,
  table: RouteTable<R>,
  way: HelloWay,
  told: Told,
): Arrival<R> | Refusal {
  told.hello = hello;
  const choice = table.routeHello(hello, way);
  if (choice.kind === "refused") {
    const [alert, message] = REFUSED[choice.code];
    return alerted(alert, "hello", choice.code, message);
  }
  const { route, protocolId, capture } = choice;
  return { conn, source, destination, owner, early, route, hello, way, protocolId, capture };
}

const REFUSED: Record<"no_application_protocol" | "bad_capture" | "unknown_server_name", [Alert, string]> = {
  no_application_protocol: ["no_application_protocol", "no route of the server name takes a protocol id of the client"],
  bad_capture: ["no_application_protocol", "the protocol id does not end in one DNS label"],
  unknown_server_name: ["unrecognized_name", "no route takes the server name"],
};

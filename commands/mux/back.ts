/** The target's side of a routed connection: decided, dialled, told of its client, secured; with the next target where one fails. */
import type { Guard } from "../../lib/acl/guard.ts";
import type { Conn, Early, SocketAddress } from "../../lib/net/conn.ts";
import type { Deadlines } from "../../lib/net/deadlines.ts";
import { DialError, interleave } from "../../lib/net/dial.ts";
import type { KeepAlive } from "../../lib/net/keep-alive.ts";
import { requestStartTls } from "../../lib/net/starttls.ts";
import type { TargetTools } from "../../lib/net/target.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import { encodeProxyHeader } from "../../lib/wire/proxy-protocol.ts";
import { authorise, type Authorised } from "./authorise.ts";
import type { CancelPlace } from "./cancellations.ts";
import { sessionFacts } from "./facts.ts";
import type { Front } from "./front.ts";
import { Refusal } from "./refusal.ts";
import type { Place, Route, RoutedTarget } from "./route.ts";
import type { Arrival } from "./sniff.ts";
import { beginTls } from "./target-tls.ts";

export interface Back {
  conn: Conn;
  /** What the target said ahead of time. */
  early: Early;
  /** As it is dialled, the capture filled in. */
  text: string;
  address: SocketAddress;
  /** Connects to where this connection leads, with TLS if it has any; `header` comes ahead of all. */
  again?: (header: Uint8Array | undefined) => Promise<Conn | Refusal>;
}

export interface BackTools {
  targetTools: TargetTools;
  /** Of clients who name their target. */
  guard: Guard;
  deadlines: Deadlines;
  keepAlive: KeepAlive;
}

/** Told what was decided last, for the record. */
export interface Judged {
  target: string;
  authorised: Authorised | undefined;
}

/** Where there is no policy, no fact is needed either. */
export const UNASKED: Authorised = { decision: undefined, facts: { command: "mux" }, addresses: [] };

const NOTHING: Early = { bytes: new Uint8Array(0), ended: false };

/** Connects to the first target of the route that the policy allows, and that answers and is who it should be. */
export function openBack(
  arrival: Arrival<Route>,
  front: Front,
  tools: BackTools,
  judged: Judged,
): Promise<Back | Refusal> {
  if (arrival.cancel !== undefined) return openCancel(arrival, arrival.cancel, judged);
  const targets = arrival.route.targets();
  // Most routes have one: a layer of promises less.
  if (targets.length === 1) return new Approach(arrival, front, tools, targets[0]!).open(judged);
  return openFirst(arrival, front, tools, judged, targets);
}

async function openFirst(
  arrival: Arrival<Route>,
  front: Front,
  tools: BackTools,
  judged: Judged,
  targets: readonly RoutedTarget[],
): Promise<Back | Refusal> {
  let refusal = new Refusal("dial", "targets_down", "all targets of the route are down by their checks");
  for (const target of targets) {
    const back = await new Approach(arrival, front, tools, target).open(judged);
    if (!(back instanceof Refusal)) return back;
    refusal = back;
    if (front.conn.closed) break;
  }
  return refusal;
}

/**
 * What cancels a session needs no more than its key, which nobody else has: it can do nothing but that, and comes without a
 * certificate by which a policy could know its client.
 */
async function openCancel(
  { conn: client, route, source, destination = client.local }: Arrival<Route>,
  { text, open }: CancelPlace,
  judged: Judged,
): Promise<Back | Refusal> {
  judged.target = text;
  const headed = route.settings.proxyHeader !== undefined;
  const conn = await open(headed ? encodeProxyHeader({ mode: "conn", source, destination }) : undefined);
  if (conn instanceof Refusal) return conn;
  return { conn, early: NOTHING, text, address: conn.remote };
}

/** One try of one target. */
class Approach {
  readonly #arrival: Arrival<Route>;
  readonly #front: Front;
  readonly #tools: BackTools;
  readonly #target: RoutedTarget;
  /** Canonical, with the capture filled in; undefined is a UNIX socket. */
  readonly #place: Place | undefined;

  constructor(arrival: Arrival<Route>, front: Front, tools: BackTools, target: RoutedTarget) {
    this.#arrival = arrival;
    this.#front = front;
    this.#tools = tools;
    this.#target = target;
    this.#place = placeOf(target, arrival.capture);
  }

  async open(judged: Judged): Promise<Back | Refusal> {
    const text = this.#text;
    judged.target = text;
    const authorising = this.#authorise();
    const authorised = authorising instanceof Promise ? await authorising : authorising;
    if (authorised instanceof Refusal) return this.#failed(authorised);
    judged.authorised = authorised;
    const dialled = await this.#dial(authorised);
    if (dialled instanceof DialError) return this.#failed(new Refusal("dial", `dial_${dialled.kind}`, dialled.message));
    // Asked now: a closed socket no longer knows.
    const address = dialled.remote;
    const secured = this.#saysNothing ? { conn: dialled, early: NOTHING } : await this.#prepare(dialled);
    if (secured instanceof Refusal) {
      dialled.destroy();
      return this.#failed(secured);
    }
    this.#target.target?.succeeded();
    const again = (header: Uint8Array | undefined) => this.#openAgain(address, authorised, header);
    return { conn: secured.conn, early: secured.early, text, address, again };
  }

  /** Notes that the target is not to be tried for a moment, unless it was the policy that said no. */
  #failed(refusal: Refusal): Refusal {
    if (refusal.decision === undefined) this.#target.target?.failed();
    return refusal;
  }

  get #text(): string {
    const { from, text } = this.#target;
    return from.kind === "fixed" || this.#place === undefined ? text : `${this.#place.host}:${this.#place.port}`;
  }

  /** What the operator has written stands; what a client has a part in passes the guard. */
  #authorise(): Promise<Authorised | Refusal> | Authorised | Refusal {
    const { route } = this.#arrival;
    const { guard, targetTools } = this.#tools;
    const named = this.#target.from.kind === "template";
    if (named && this.#place === undefined)
      return new Refusal("dial", "bad_capture", "the capture makes no host of the target");
    const { policy } = route.files;
    if (policy === undefined) return UNASKED;
    const facts = sessionFacts(this.#arrival, this.#front, this.#place);
    return authorise(policy, facts, named ? guard : undefined, targetTools.resolve);
  }

  #dial({ addresses }: Authorised): Promise<Conn | DialError> {
    const { target } = this.#target;
    if (target !== undefined) return target.open();
    const { port } = this.#place!;
    return this.#tools.targetTools.dialer.open(interleave(addresses.map((ip) => ({ ip, port }))));
  }

  /** Whether the client's bytes are the first that the target gets. */
  get #saysNothing(): boolean {
    const { route, way } = this.#arrival;
    const { targetTls, termination, proxyHeader } = route.settings;
    return proxyHeader === undefined && targetTls === undefined && (termination !== undefined || way !== "postgres");
  }

  /** Everything that is said to the target before the client's bytes. */
  async #prepare(dialled: Conn): Promise<Pick<Back, "conn" | "early"> | Refusal> {
    const { route, way } = this.#arrival;
    const { targetTls, termination, proxyHeader } = route.settings;
    if (proxyHeader !== undefined) {
      const header = this.#header();
      if (header === undefined) return new Refusal("dial", "proxy_header_size", "the PROXY header would be too long");
      dialled.write(header);
    }
    let early = NOTHING;
    // What passes as it is comes to TLS with the target as it came with us.
    if (targetTls === undefined && termination === undefined && way === "postgres") {
      const started = await requestStartTls(dialled, NOTHING, this.#tools.deadlines);
      if (!started.ok) return new Refusal("dial", started.code, started.reason);
      early = started.early;
    }
    if (targetTls === undefined) return { conn: dialled, early };
    const secured = await beginTls(dialled, route, this.#tlsOptions());
    return secured instanceof Refusal ? secured : { conn: secured, early: NOTHING };
  }

  #tlsOptions() {
    const { deadlines, keepAlive } = this.#tools;
    const { target, sessions } = this.#target;
    return {
      host: this.#place?.host,
      protocolId: this.#arrival.protocolId,
      // Of several hosts with one session, none could be told from the other.
      sessions: target === undefined ? undefined : sessions,
      deadlines,
      keepAlive,
    };
  }

  /** The same place once more, for a client that has sent nothing but what cancels a session there. */
  async #openAgain(address: SocketAddress, authorised: Authorised, header: Uint8Array | undefined) {
    const { dialer } = this.#tools.targetTools;
    const dialled = "ip" in address ? await dialer.open([address]) : await this.#dial(authorised);
    if (dialled instanceof DialError) return new Refusal("dial", `dial_${dialled.kind}`, dialled.message);
    if (header !== undefined) dialled.write(header);
    return beginTls(dialled, this.#arrival.route, this.#tlsOptions());
  }

  #header(): Uint8Array | undefined {
    const { route, source, conn: accepted, destination = accepted.local } = this.#arrival;
    const mode = route.settings.proxyHeader!;
    const { conn, peer } = this.#front;
    if (conn.tls === undefined) return encodeProxyHeader({ mode, source, destination });
    const { version, protocolId, serverName } = conn.tls;
    const known = peer === undefined ? {} : { peer: { commonName: peer.cn, certificate: peer.der } };
    return encodeProxyHeader({ mode, source, destination, tls: { version, protocolId, serverName, ...known } });
  }
}

function placeOf({ from, place }: RoutedTarget, capture: string | undefined): Place | undefined {
  if (from.kind === "fixed") return place;
  if (capture === undefined) return undefined;
  const { host } = canonicalHost(from.host.expand({ capture }));
  return host === undefined ? undefined : { host, port: from.port };
}

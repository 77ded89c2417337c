/** One captured connection, from its acceptance to its end: whose it is and where to, policy, TLS with the server, relay, and one record of it all. */
import type { Decision } from "../../lib/acl/decision.ts";
import { auditFacts } from "../../lib/audit/event.ts";
import { formatAddress, type Conn, type SocketAddress } from "../../lib/net/conn.ts";
import type { TcpAddress } from "../../lib/net/original-destination.ts";
import { Relay, type RelayResult } from "../../lib/net/relay.ts";
import { unread } from "../../lib/net/unread.ts";
import type { Described, OpenConnection } from "../../lib/status/connections.ts";
import { receive, type Arrival, type Told } from "./arrival.ts";
import { asksUpstream, decideByPolicy } from "./authorise.ts";
import { openBack, type Back, type Opened } from "./back.ts";
import { sessionFacts } from "./facts.ts";
import { Refusal } from "./refusal.ts";
import { recordClosed, recordOpened, recordRefused } from "./record.ts";
import type { Client } from "./rule.ts";
import type { Tproxy } from "./tproxy.ts";

/** What is known of a session so far, for its record. */
export interface Progress extends Told {
  readonly session: string;
  /** Milliseconds of `performance.now`. */
  readonly started: number;
  remote: SocketAddress;
  destination: TcpAddress | undefined;
  client: Client | undefined;
  arrival: Arrival | undefined;
  back: Back | undefined;
  decision: Decision | undefined;
  facts: Record<string, unknown>;
}

export class Session implements OpenConnection {
  readonly #tproxy: Tproxy;
  readonly #accepted: Conn;
  readonly #progress: Progress;
  #relay: Relay | undefined;
  #cut = false;
  #release = () => {};
  #settle: (refusal: Refusal) => void = () => {};

  constructor(tproxy: Tproxy, accepted: Conn) {
    this.#tproxy = tproxy;
    this.#accepted = accepted;
    this.#progress = {
      session: tproxy.nextSession(),
      started: performance.now(),
      remote: accepted.remote,
      destination: undefined,
      client: undefined,
      arrival: undefined,
      back: undefined,
      decision: undefined,
      facts: {},
    };
  }

  /** Whether both sides are connected. */
  get relaying(): boolean {
    return this.#relay !== undefined;
  }

  get started(): number {
    return this.#progress.started;
  }

  get sent(): number {
    return this.#progress.arrival?.conn.received ?? 0;
  }

  get received(): number {
    return this.#progress.back?.conn.received ?? 0;
  }

  describe(): Described {
    const { remote, client, arrival, decision } = this.#progress;
    const policy = decision?.policy;
    const rule = arrival?.route.name ?? "";
    const program = client?.process?.executable;
    return {
      who: client === undefined ? "" : `user ${client.uid}${program === undefined ? "" : `, ${program}`}`,
      client: formatAddress(remote),
      target: arrival === undefined ? "" : `${arrival.host}:${arrival.target.port}`,
      route: policy === undefined ? rule : `${rule}, by ${policy}`,
      state: this.relaying ? "open" : "dialling",
    };
  }

  /** Resolves when it is over. */
  async run(): Promise<void> {
    const end = await new Promise<Refusal | RelayResult>((resolve, reject) => {
      this.#settle = resolve;
      this.#open().then(resolve, reject);
    });
    this.#release();
    if (!(end instanceof Refusal)) return;
    this.#accepted.destroy();
    this.#progress.back?.conn.destroy();
    recordRefused(this.#tproxy, this.#progress, end);
  }

  /** Ends it at once, whatever it waits for: what comes of that later is dropped. */
  cut(): void {
    this.#cut = true;
    if (this.#relay !== undefined) this.#relay.cut();
    else this.#settle(stopped());
  }

  /** Everything up to the relay, and the relay itself; or why it did not come to that. */
  async #open(): Promise<Refusal | RelayResult> {
    const progress = this.#progress;
    const arrival = await receive(this.#tproxy, this.#accepted, progress);
    if (arrival instanceof Refusal) return arrival;
    // What it holds from here on would be released by nobody.
    if (this.#cut) return stopped();
    progress.arrival = arrival;
    this.#release = this.#tproxy.names.hold(arrival.destination.ip);
    arrival.route.counts.chosen++;
    const { policy } = arrival.route.files;
    const late = policy !== undefined && asksUpstream(policy);
    const early = policy !== undefined && !late ? this.#decide(arrival) : undefined;
    if (early !== undefined) return early;
    const opened = await openBack(this.#tproxy, arrival);
    if (opened instanceof Refusal) return opened;
    if (this.#cut) {
      opened.back.conn.destroy();
      return stopped();
    }
    progress.back = opened.back;
    this.#tproxy.reached(arrival, opened.back.address);
    const refused = late ? this.#decide(arrival) : undefined;
    if (refused !== undefined) return refused;
    if (this.#accepted.closed) return new Refusal("client_gone", "the client left before the target was reached");
    return this.#copy(arrival, opened);
  }

  #decide(arrival: Arrival): Refusal | undefined {
    const policy = arrival.route.files.policy!;
    const facts = sessionFacts(arrival, this.#progress.back);
    const decided = decideByPolicy(policy, facts);
    this.#progress.decision = decided instanceof Refusal ? decided.decision : decided;
    this.#tproxy.metrics.decisions.decided(this.#progress.decision);
    if (this.#tproxy.sink !== undefined) this.#progress.facts = auditFacts(facts, policy.mentions, digest);
    return decided instanceof Refusal ? decided : undefined;
  }

  async #copy({ conn, route }: Arrival, { back, fromClient, fromServer }: Opened): Promise<RelayResult> {
    const { counts } = route;
    const progress = this.#progress;
    const { relayLimits } = this.#tproxy.settings;
    recordOpened(this.#tproxy, progress);
    counts.open++;
    const pair = { client: conn, target: back.conn };
    counts.moving.begin(pair);
    counts.waits.observe((performance.now() - progress.started) / 1000);
    unread(back.conn, fromServer);
    const result = await new Promise<RelayResult>((relayEnded) => {
      this.#relay = new Relay(conn, back.conn, relayLimits, fromClient, { relayEnded });
    });
    counts.open--;
    counts.moving.end(pair);
    counts.lives.observe((performance.now() - progress.started) / 1000);
    recordClosed(this.#tproxy, progress, result);
    return result;
  }
}

function stopped(): Refusal {
  return new Refusal("cut", "the proxy is being stopped");
}

function digest(value: string): string {
  return new Bun.CryptoHasher("sha256").update(value).digest("hex").slice(0, 16);
}

/** One connection through a tunnel, from its acceptance to its end: front, policy, back, relay, and one record of it all. */
import type { Decision } from "../../lib/acl/decision.ts";
import { formatAddress, type Conn, type SocketAddress } from "../../lib/net/conn.ts";
import { Relay, type RelayResult } from "../../lib/net/relay.ts";
import type { Described, OpenConnection } from "../../lib/status/connections.ts";
import { encodeProxyHeader } from "../../lib/wire/proxy-protocol.ts";
import { decideByPolicy } from "./authorise.ts";
import { openBack, type Back } from "./back.ts";
import { sessionFacts } from "./facts.ts";
import { openFront, type Front } from "./front.ts";
import { proxyHeaderOf } from "./proxy-header.ts";
import { Refusal } from "./refusal.ts";
import { recordClosed, recordOpened, recordRefused } from "./record.ts";
import type { Tunnel } from "./tunnel.ts";

/** What is known of a session so far, for its record. */
export interface Progress {
  readonly session: string;
  /** Milliseconds of `performance.now`. */
  readonly started: number;
  client: SocketAddress;
  front: Front | undefined;
  back: Back | undefined;
  decision: Decision | undefined;
  facts: Record<string, unknown>;
}

export class Session implements OpenConnection {
  readonly #tunnel: Tunnel;
  readonly #accepted: Conn;
  readonly #progress: Progress;
  #relay: Relay | undefined;
  #cut = false;
  #settle: (refusal: Refusal) => void = () => {};

  constructor(tunnel: Tunnel, accepted: Conn) {
    this.#tunnel = tunnel;
    this.#accepted = accepted;
    this.#progress = {
      session: tunnel.nextSession(),
      started: performance.now(),
      client: accepted.remote,
      front: undefined,
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
    return this.#progress.front?.conn.received ?? 0;
  }

  get received(): number {
    return this.#progress.back?.conn.received ?? 0;
  }

  describe(): Described {
    const { client, front, back, decision } = this.#progress;
    const { name, side } = this.#tunnel.settings;
    const policy = decision?.policy;
    return {
      who: front?.peer?.subject ?? back?.peer?.subject ?? "",
      client: formatAddress(client),
      target: back?.target.text ?? "",
      route: policy === undefined ? (name ?? side) : `${name ?? side}, by ${policy}`,
      state: this.relaying ? "open" : front === undefined ? "handshake" : "dialling",
    };
  }

  /** Resolves when it is over: with how it ended, or why it was not let through. */
  async run(): Promise<Refusal | RelayResult> {
    const end = await new Promise<Refusal | RelayResult>((resolve, reject) => {
      this.#settle = resolve;
      this.#open().then(resolve, reject);
    });
    if (!(end instanceof Refusal)) return end;
    this.#progress.front?.conn.destroy();
    this.#accepted.destroy();
    this.#progress.back?.conn.destroy();
    recordRefused(this.#tunnel, this.#progress, end);
    return end;
  }

  /** Ends it at once, whatever it waits for: what comes of that later is dropped. */
  cut(): void {
    this.#cut = true;
    if (this.#relay !== undefined) this.#relay.cut();
    else this.#settle(this.#stopped());
  }

  #stopped(): Refusal {
    const phase = this.#progress.front === undefined ? "handshake" : "dial";
    return new Refusal(phase, "cut", "the tunnel is being stopped");
  }

  /** Everything up to the relay, and the relay itself; or why it did not come to that. */
  async #open(): Promise<Refusal | RelayResult> {
    const tunnel = this.#tunnel;
    const progress = this.#progress;
    const front = await openFront(tunnel, this.#accepted, progress);
    if (front instanceof Refusal) return front;
    if (this.#cut) return this.#drop(front.conn);
    progress.front = front;
    tunnel.counts.succeeded++;
    tunnel.counts.handshaken(performance.now() - progress.started);
    if (tunnel.settings.side === "server") {
      const refused = this.#decide("handshake");
      if (refused !== undefined) return refused;
    }
    const back = await openBack(tunnel);
    if (back instanceof Refusal) return back;
    if (this.#cut) return this.#drop(back.conn);
    progress.back = back;
    if (tunnel.settings.side === "client") {
      const refused = this.#decide("dial");
      if (refused !== undefined) return refused;
    }
    if (front.conn.closed) return new Refusal("dial", "client_gone", "the client left before the target was reached");
    if (tunnel.settings.proxyHeader !== undefined) {
      const header = encodeProxyHeader(proxyHeaderOf(tunnel.settings.proxyHeader, front));
      if (header === undefined) return new Refusal("dial", "proxy_header_size", "the PROXY header would be too long");
      back.conn.write(header);
    }
    return this.#copy(front, back);
  }

  /** What was opened when it was no longer wanted. */
  #drop(conn: Conn): Refusal {
    conn.destroy();
    return this.#stopped();
  }

  #decide(phase: "handshake" | "dial"): Refusal | undefined {
    const { policy } = this.#tunnel;
    if (policy === undefined) return undefined;
    const facts = sessionFacts(this.#tunnel, this.#progress);
    const decided = decideByPolicy(policy, facts, phase);
    this.#progress.decision = decided instanceof Refusal ? decided.decision : decided;
    this.#tunnel.counts.decisions.decided(this.#progress.decision);
    this.#progress.facts = this.#tunnel.auditFacts(facts);
    return decided instanceof Refusal ? decided : undefined;
  }

  async #copy(front: Front, back: Back): Promise<RelayResult> {
    const tunnel = this.#tunnel;
    recordOpened(tunnel, this.#progress);
    tunnel.counts.open++;
    const pair = { client: front.conn, target: back.conn };
    tunnel.counts.moving.begin(pair);
    const result = await new Promise<RelayResult>((relayEnded) => {
      this.#relay = new Relay(front.conn, back.conn, tunnel.relayLimits, front.early, { relayEnded });
    });
    tunnel.counts.open--;
    tunnel.counts.moving.end(pair);
    tunnel.counts.sent += front.conn.received;
    tunnel.counts.received += back.conn.received;
    tunnel.counts.ended(performance.now() - this.#progress.started);
    if (result.by === "lifetime") tunnel.counts.cut++;
    recordClosed(tunnel, this.#progress, result);
    return result;
  }
}

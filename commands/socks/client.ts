/** One client of the access proxy, from its first byte to its tunnel: detects the protocol, drives its dialogue, opens the relay. */
import type { Conn, ConnEvents, Early } from "../../lib/net/conn.ts";
import { Due } from "../../lib/net/deadlines.ts";
import { endWith } from "../../lib/net/linger.ts";
import { Relay, type RelayEnded, type RelayResult } from "../../lib/net/relay.ts";
import { detectFront, type Detected } from "../../lib/session/detect.ts";
import {
  concat,
  NOTHING,
  type DatagramSource,
  type FrontSession,
  type ProxyRequest,
  type Step,
} from "../../lib/session/front.ts";
import { HttpConnectServer } from "../../lib/session/http-connect-server.ts";
import { Socks4Server } from "../../lib/session/socks4-server.ts";
import { Socks5Server } from "../../lib/session/socks5-server.ts";
import type { Association } from "./association.ts";
import type { WriteBody } from "../../lib/session/http-refusal.ts";
import { refusalBody } from "./denial.ts";
import type { Origin } from "./origin.ts";
import { openPassage, type Answer, type Asker, type Passage, type Refused } from "./passage.ts";
import { reject } from "./record.ts";
import { clientNetwork, stateOf, type Open, type OpenState, type Proxy } from "./proxy.ts";

/** Bytes that a client may send ahead of our answer before it is paused. */
const MOST_EARLY = 64 * 1024;

/**
 * `asking`: up to the request. `verifying`: a password is being checked. `asked`: the request is decided and dialled.
 * `open`: the relay or the association has it. `over`: nothing more will be done for it.
 */
type State = "asking" | "verifying" | "asked" | "open" | "over";

/** What happened to a connection before it is a client's. */
interface Came {
  /** Its session, where it has one. */
  number?: number;
  origin: Origin | undefined;
  early: Early;
}

/** A protocol that is loaded when a client speaks it, and has clients of its own. */
interface Taker {
  adopt(asker: Asker, early: Early): void;
}

export class Client extends Due implements ConnEvents, Open, Asker, Answer, RelayEnded {
  readonly conn: Conn;
  user: string | undefined;
  readonly origin: Origin | undefined;
  readonly #number: number;
  readonly #proxy: Proxy;
  #front: FrontSession | undefined;
  /** Bytes before the protocol is known, and between the request and the tunnel. */
  #held: Uint8Array = NOTHING;
  #asked: ProxyRequest | undefined;
  #passage: Passage | undefined;
  #relay: Relay | undefined;
  #association: Association | undefined;
  /** What went over the connection before the tunnel was open. */
  #sentBefore = 0;
  #receivedBefore = 0;
  #state: State = "asking";
  #ended = false;

  /** Takes a connection in; it keeps itself from here on. */
  static admit(proxy: Proxy, conn: Conn, came?: Came): Client {
    // Asked now for the records: a closed socket no longer knows.
    if (proxy.recorded) void conn.remote;
    const client = new Client(proxy, conn, came);
    if (came !== undefined) client.#begin(came.early);
    conn.attach(client);
    return client;
  }

  private constructor(proxy: Proxy, conn: Conn, came: Came | undefined) {
    super();
    this.#proxy = proxy;
    this.conn = conn;
    this.origin = came?.origin;
    this.#number = came?.number ?? proxy.nextSession();
    proxy.open.enter(this);
    // One deadline for everything up to the request: a byte now and then buys no time.
    proxy.deadlines.add(this);
  }

  /** What was read already comes first. */
  #begin({ bytes, ended }: Early): void {
    if (bytes.length > 0) this.data(bytes);
    if (ended) this.end();
  }

  get session(): string {
    return this.#proxy.sessionName(this.#number);
  }

  describe(): OpenState[] {
    return [stateOf(this, this.#asked, this.#passage)];
  }

  retire(): void {
    if (this.#state === "asking" || this.#state === "verifying") this.conn.destroy();
  }

  cut(): void {
    this.#association?.close("cut");
    if (this.#relay === undefined) this.conn.destroy();
    else this.#relay.cut();
  }

  data(chunk: Uint8Array): void {
    // Nothing more is said over the connection of an association: it only holds it open.
    if (this.#association !== undefined) return;
    if (this.#state !== "asking") {
      this.#held = concat(this.#held, chunk);
      if (this.#held.length > MOST_EARLY) this.conn.pause();
    } else if (this.#front === undefined) this.#detect(chunk);
    else this.#take(this.#front, this.#front.receive(chunk));
  }

  drain(): void {}

  /** A client may end its direction behind its request, but not before. */
  end(): void {
    this.#ended = true;
    if (this.#state === "asking" || this.#association !== undefined) this.conn.destroy();
  }

  close(): void {
    this.#state = "over";
    this.#association?.close("client");
    this.#proxy.deadlines.remove(this);
    this.#proxy.open.leave(this);
  }

  /** The deadline is over. */
  override late(): void {
    const phase = this.#front === undefined ? "its protocol" : "its request";
    this.#fail("timeout", `the client was too slow to state ${phase}`, undefined);
  }

  #detect(chunk: Uint8Array): void {
    const bytes = concat(this.#held, chunk);
    const detected = detectFront(bytes);
    if (detected === "more") this.#held = bytes;
    else if (detected === "forward") this.#handOver(bytes, this.#proxy.forwarder());
    else if (detected === "h2") this.#handOver(bytes, this.#proxy.http2());
    else {
      const front = this.#openFront(detected);
      if (front === undefined) {
        const what = detected === "tls" ? "TLS" : `${bytes.length} bytes of no known protocol`;
        this.#fail("protocol", `the client sent ${what}`, undefined);
        return;
      }
      this.#held = NOTHING;
      this.#front = front;
      this.#take(front, front.receive(bytes));
    }
  }

  #openFront(detected: Detected): FrontSession | undefined {
    const withUsers = this.#proxy.users !== undefined;
    if (detected === "socks5") return new Socks5Server(withUsers, this.#proxy.settings.udp !== undefined);
    if (detected === "socks4") return new Socks4Server(withUsers);
    if (detected === "connect") return new HttpConnectServer(withUsers, this.#proxy.settings.mostHead);
    return undefined;
  }

  /** The connection and its deadline are another's from here on. */
  #handOver(bytes: Uint8Array, other: Promise<Taker>): void {
    this.#proxy.deadlines.remove(this);
    this.#state = "asked";
    this.#held = bytes;
    other.then(
      (taker) => {
        if (this.#state !== "asked") return;
        taker.adopt(this, { bytes: this.#held, ended: this.#ended });
        if (this.#held.length > MOST_EARLY) this.conn.resume();
        this.#proxy.open.leave(this);
      },
      (reason: unknown) => {
        if (this.#state === "asked")
          this.#fail("failed", `its protocol cannot be loaded: ${String(reason)}`, undefined);
      },
    );
  }

  #take(front: FrontSession, steps: Step[]): void {
    for (const step of steps) {
      switch (step.type) {
        case "send":
          this.conn.write(step.bytes);
          break;
        case "authenticate":
          void this.#authenticate(front, step.user, step.password);
          break;
        case "request":
          this.#serve(front, step.request);
          break;
        case "associate":
          void this.#associate(front, step.source);
          break;
        case "fail":
          this.#fail("protocol", step.reason, step.bytes);
          break;
      }
    }
  }

  /** What the client sends meanwhile waits, with the client beyond a bound. */
  async #authenticate(front: FrontSession, user: string, password: Uint8Array): Promise<void> {
    this.#state = "verifying";
    const accepted = (await this.#proxy.users?.verify(user, password, clientNetwork(this))) ?? false;
    if (this.#state !== "verifying") return;
    this.#state = "asking";
    if (accepted) this.user = user;
    const held = this.#held;
    this.#held = NOTHING;
    this.#take(front, front.authenticated(accepted));
    if (held.length > 0) {
      this.conn.resume();
      this.data(held);
    }
    if (this.#ended) this.end();
  }

  #serve(front: FrontSession, request: ProxyRequest): void {
    this.#proxy.deadlines.remove(this);
    this.#state = "asked";
    this.#asked = request;
    this.#held = front.rest;
    openPassage(this.#proxy, this, request, this);
  }

  /** The association lives as long as this connection, and the other way round. */
  async #associate(front: FrontSession, source: DatagramSource): Promise<void> {
    this.#proxy.deadlines.remove(this);
    this.#state = "asked";
    const open = await this.#proxy.associations().catch((reason: unknown) => String(reason));
    if (this.#state !== "asked") {
      reject(this.#proxy, this, "client", "the client left before its association was opened");
      return;
    }
    if (typeof open === "string") {
      this.#fail("failed", `associations cannot be loaded: ${open}`, front.refuse("failed", ""));
      return;
    }
    const answer = await open(this, source);
    const gone = (this.#state as State) !== "asked" || this.#ended;
    if ("refusal" in answer) {
      if (!gone) this.#farewell(front.refuse(answer.refusal, answer.message));
    } else if (gone) {
      answer.close("client");
      this.conn.destroy();
    } else {
      this.#state = "open";
      this.#held = NOTHING;
      this.#front = undefined;
      this.#association = answer;
      answer.onIdle(() => this.conn.destroy());
      this.conn.write(front.associated!(answer.bound.ip, answer.bound.port));
      this.conn.resume();
    }
  }

  answered(answer: Passage | Refused): void {
    const front = this.#front!;
    const gone = this.#state !== "asked";
    if ("refusal" in answer) {
      if (!gone) this.#farewell(front.refuse(answer.refusal, answer.message, this.#bodyOf(answer)));
    } else if (gone) {
      answer.upstream.destroy();
      answer.close({ reason: "client", sent: 0, received: 0, error: "the client left before the tunnel was open" });
    } else this.#open(front, answer);
  }

  /** Only HTTP has room for one. */
  #bodyOf(refused: Refused): WriteBody | undefined {
    const asked = this.#asked!;
    return asked.http === undefined ? undefined : refusalBody(this.#proxy, this, asked, refused);
  }

  #open(front: FrontSession, passage: Passage): void {
    const { upstream } = passage;
    this.#state = "open";
    this.conn.write(front.accept());
    const early = { bytes: this.#held, ended: this.#ended };
    this.#held = NOTHING;
    this.#front = undefined;
    this.#passage = passage;
    this.#sentBefore = this.conn.received - early.bytes.length;
    this.#receivedBefore = this.conn.sent;
    this.#relay = new Relay(this.conn, upstream, this.#proxy.settings.relay, early, this);
  }

  relayEnded({ by, error }: RelayResult): void {
    const sent = this.conn.received - this.#sentBefore;
    const received = this.conn.sent - this.#receivedBefore;
    this.#passage!.close({ reason: by, sent, received, error: error?.message });
    this.#proxy.open.leave(this);
  }

  #fail(reason: string, message: string, bytes: Uint8Array | undefined): void {
    reject(this.#proxy, this, reason, message);
    this.#farewell(bytes);
  }

  #farewell(bytes: Uint8Array | undefined): void {
    this.#state = "over";
    this.#proxy.deadlines.remove(this);
    endWith(this.conn, bytes, () => this.#proxy.open.leave(this));
  }
}

/** A client connection: PROXY header and TLS as far as they are asked for, then HTTP requests one after the other, under their deadlines. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { identify } from "../../../lib/identity/identify.ts";
import type { Peer } from "../../../lib/identity/peer.ts";
import { acceptProxy } from "../../../lib/net/accept-proxy.ts";
import { formatAddress, type Conn, type Early, type SocketAddress } from "../../../lib/net/conn.ts";
import { Due, type Deadlines } from "../../../lib/net/deadlines.ts";
import { ConnDuplex } from "../../../lib/net/duplex.ts";
import { endWith } from "../../../lib/net/linger.ts";
import { secure } from "../../../lib/net/tls.ts";
import { TlsFailure } from "../../../lib/net/tls-failure.ts";
import type { Holder } from "../../../lib/service/limits.ts";
import type { Described } from "../../../lib/status/connections.ts";
import { serveRequest } from "./answer.ts";
import type { Turn } from "./exchange.ts";
import type { Gateway, Open } from "./gateway.ts";
import { reject } from "./record.ts";

const NOTHING: Early = { bytes: new Uint8Array(0), ended: false };
/** Bytes of a request's content that wait to be encrypted. */
const MOST_WAITING = 256 * 1024;
/** Bytes that a client may send ahead of the answer that it waits for. */
const MOST_AHEAD = 64 * 1024;

export class Client extends Due implements Open {
  readonly gateway: Gateway;
  readonly session: string;
  readonly started = performance.now();
  /** It came to a listener that has the storage at its root. */
  readonly atRoot: boolean;
  conn: Conn;
  /** Of a PROXY header, or of the socket. */
  address: SocketAddress;
  peer: Peer | undefined;
  readonly local: SocketAddress;
  readonly #holder: Holder;
  #duplex: ConnDuplex | undefined;
  #renew = (): void => {};
  #deadlines: Deadlines | undefined;
  #receivedBefore = -1;
  /** The request that is being answered, and those that came behind it without waiting. */
  #turn: Turn | undefined;
  readonly #behind: Turn[] = [];
  /** No further request is taken: nobody knows where the next one begins, or the client is to go. */
  #ending = false;
  /** Bytes received when the content of the last request was whole. */
  #wholeAt: number | undefined;
  #gone = false;

  /** `holder` has a place, which is given back when the client is gone. */
  constructor(gateway: Gateway, conn: Conn, holder: Holder, atRoot = false) {
    super();
    this.gateway = gateway;
    this.conn = conn;
    this.#holder = holder;
    this.atRoot = atRoot;
    this.session = gateway.nextSession();
    // Asked now: a closed socket no longer knows.
    this.address = conn.remote;
    this.local = conn.local;
    gateway.open.enter(this);
  }

  get name(): string {
    return formatAddress(this.address);
  }

  /** Up to a connection that speaks HTTP; then `server` has it. */
  async comeIn(server: Front): Promise<void> {
    this.#wait(this.gateway.asking);
    const early = await this.#passThrough();
    if ("reason" in early) {
      reject(this, early.reason, early.message);
      this.conn.destroy();
      this.gone();
    } else this.#serve(server, early);
  }

  async #passThrough(): Promise<Early | { reason: string; message: string }> {
    const { settings, asking } = this.gateway;
    let early = NOTHING;
    if (settings.acceptProxyFrom !== undefined) {
      const header = await acceptProxy(this.conn, settings.acceptProxyFrom, asking);
      if (!header.ok) return { reason: header.code, message: header.reason };
      early = header.early;
      this.address = header.source ?? this.address;
    }
    const { front } = this.gateway;
    if (front === undefined) return early;
    const clientCert = settings.front!.clientCert;
    const conn = await secure(this.conn, early, true, {
      context: front.context,
      requestCert: clientCert !== "off",
      verify: clientCert === "off" ? false : clientCert === "required" || "given",
      protocolIds: ["http/1.1"],
      deadlines: asking,
      keepAlive: settings.keepAlive,
    });
    if (conn instanceof TlsFailure) return conn;
    this.conn = conn;
    const known = identify(conn.tls, Date.now(), front.trust);
    this.peer = known.peer;
    return known.ok ? NOTHING : known;
  }

  #serve(server: Front, early: Early): void {
    this.#read(server, early);
    if (this.gateway.draining) this.retire();
  }

  /** `early` is the beginning of a request. */
  #read(server: Front, early: Early): void {
    const duplex = new ConnDuplex(this.conn, early);
    this.#duplex = duplex;
    this.#renew = () => this.#startAnew(server, duplex);
    duplex.whenWhole = () => {
      // What is left of a request that was answered already has been read.
      if (!this.busy) this.#renew();
    };
    duplex.throttle = () => this.#isFull;
    duplex.on("error", () => {});
    duplex.on("close", () => {
      if (this.#duplex === duplex) this.gone();
    });
    server.adopt(duplex, this);
  }

  /** The parser has not seen the content that was diverted, and goes on waiting for it: another reads what is behind. */
  #startAnew(server: Front, before: ConnDuplex): void {
    const { diversion } = before;
    if (diversion?.isWhole !== true || this.#duplex !== before || before.writableEnded || before.destroyed) return;
    if (before.writableLength > 0) {
      before.write(new Uint8Array(0), () => this.#startAnew(server, before));
      return;
    }
    before.detach();
    this.#read(server, diversion.behind);
    before.destroy();
  }

  /** Unread, the runtime's HTTP server would keep all that comes in memory. */
  get #isFull(): boolean {
    const request = this.#turn?.req;
    if (request === undefined) return false;
    if (!request.complete) return request.readableLength > MOST_WAITING;
    this.#wholeAt ??= this.conn.received;
    return this.conn.received - this.#wholeAt > MOST_AHEAD;
  }

  /** Content was taken: more may come. */
  relax(): void {
    if (!this.#isFull) this.#duplex?.relax();
  }

  /** Waits for the next request head. */
  #wait(deadlines: Deadlines): void {
    this.#deadlines?.remove(this);
    this.#deadlines = deadlines;
    deadlines.add(this);
  }

  get sent(): number {
    return this.conn.received;
  }

  get received(): number {
    return this.conn.sent;
  }

  /** Without the query of a request: it may hold a signature that lets others in. */
  describe(): Described {
    const { method = "", url = "" } = this.#turn?.req ?? {};
    const state = this.busy ? method : "waiting";
    return { who: this.peer?.subject ?? "", client: this.name, target: url.split("?", 1)[0]!, route: "", state };
  }

  get busy(): boolean {
    return this.#turn !== undefined;
  }

  /** Answers it, when those before it are answered. */
  take(turn: Turn): void {
    if (this.#ending) return;
    if (this.busy) this.#behind.push(turn);
    else this.#begin(turn);
  }

  #begin(turn: Turn): void {
    this.#turn = turn;
    this.#wholeAt = undefined;
    this.#deadlines?.remove(this);
    turn.res.on("close", () => this.#done());
    void serveRequest(this.gateway, this, turn);
  }

  #done(): void {
    this.#turn = undefined;
    if (this.#gone || this.conn.closed) return;
    const next = this.#behind.shift();
    if (this.#ending) this.farewell();
    else if (next !== undefined) {
      this.#begin(next);
      // Nothing can have come behind content that is still to come.
      if (!next.req.complete) this.relax();
    } else {
      this.#receivedBefore = this.conn.received;
      this.#renew();
      this.relax();
      if (this.gateway.draining) this.retire();
      else this.#wait(this.gateway.resting);
    }
  }

  /** The answer that is being given is the last one. */
  endAfter(): void {
    this.#ending = true;
  }

  /** Of a request whose content is framed wrongly: what the parser says. */
  spoiltBy: string | undefined;

  /** What came is no request, or no content of the one that is being answered, which has a record of its own. */
  malformed(why: string): void {
    if (this.#turn?.req.complete === false) {
      if (why !== ENDED_EARLY) this.spoiltBy = why;
      this.conn.destroy();
      return;
    }
    reject(this, "protocol", `not an HTTP request: ${why}`);
    if (this.busy) this.endAfter();
    else {
      this.#ending = true;
      this.#duplex?.write(MALFORMED);
      this.farewell();
    }
  }

  /** Ends the connection once all that was written is out; what the client still sends is dropped. */
  farewell(): void {
    const duplex = this.#duplex;
    if (duplex === undefined || duplex.destroyed) return;
    duplex.throttle = undefined;
    duplex.write(new Uint8Array(0), () => {
      if (!this.conn.closed) endWith(duplex.detach(), undefined, () => this.gone());
    });
  }

  /** The last answer may still be on its way: the end goes behind it. */
  retire(): void {
    if (this.busy) return;
    if (this.#duplex === undefined) this.conn.destroy();
    else this.conn.end();
    this.#wait(this.gateway.asking);
  }

  /** Not a byte of a next request is no offence. */
  override late(): void {
    if (this.conn.buffered > 0) {
      this.#wait(this.gateway.asking);
      return;
    }
    if (this.conn.received > Math.max(this.#receivedBefore, 0)) {
      reject(this, "timeout", "the client was too slow to state its request");
    }
    this.cut();
  }

  /** Set by `cut`: what ends then did not end by itself. */
  wasCut = false;

  cut(): void {
    this.wasCut = true;
    this.conn.destroy();
  }

  gone(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#deadlines?.remove(this);
    this.gateway.places.give(this.#holder);
    this.gateway.open.leave(this);
  }
}

/** The runtime's HTTP server, fed with connections. */
export class Front {
  readonly #server: Server;
  readonly #clients = new WeakMap<object, Client>();

  constructor(gateway: Gateway) {
    // The deadlines are ours.
    const { mostHead: maxHeaderSize } = gateway.settings;
    this.#server = createServer({ maxHeaderSize, requestTimeout: 0, headersTimeout: 0 });
    this.#server.keepAliveTimeout = 0;
    // A client may end its direction behind its request and still wait for the answer.
    Object.assign(this.#server, { httpAllowHalfOpen: true });
    this.#server.on("request", (req, res) => this.#take(req, res, false));
    this.#server.on("checkContinue", (req, res) => this.#take(req, res, true));
    this.#server.on("checkExpectation", (req, res) => this.#take(req, res, false));
    for (const event of ["connect", "upgrade"]) this.#server.on(event, (_req, socket) => socket.destroy());
    this.#server.on("clientError", (error, socket) => this.#malformed(error, socket));
  }

  adopt(duplex: ConnDuplex, client: Client): void {
    this.#clients.set(duplex, client);
    this.#server.emit("connection", duplex);
  }

  #take(req: IncomingMessage, res: ServerResponse, awaited: boolean): void {
    req.on("error", () => {});
    res.on("error", () => {});
    this.#clients.get(req.socket)?.take({ req, res, awaited });
  }

  #malformed(error: Error & { code?: string }, stream: object): void {
    const client = this.#clients.get(stream);
    if (client !== undefined && !client.conn.closed) client.malformed(error.code ?? error.message);
  }
}

/** What the parser says where the connection ends within a message. */
const ENDED_EARLY = "HPE_INVALID_EOF_STATE";
const MALFORMED = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

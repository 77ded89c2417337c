/** Plain `GET http://…` forward proxying: node:http parses, every request is decided anew and goes out by a passage of its own. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Conn, Early } from "../../lib/net/conn.ts";
import { Due } from "../../lib/net/deadlines.ts";
import { ConnDuplex } from "../../lib/net/duplex.ts";
import { endWith } from "../../lib/net/linger.ts";
import {
  answerRefusal,
  answerUnauthenticated,
  encodeAnswer,
  type RefusalAnswer,
} from "../../lib/session/http-refusal.ts";
import { decodeBasic } from "../../lib/wire/http-connect.ts";
import { framingOf, pairs, parseForwardTarget } from "../../lib/wire/http-forward.ts";
import type { ProxyRequest } from "../../lib/session/front.ts";
import { Client } from "./client.ts";
import { refusalBody } from "./denial.ts";
import { exchange, unserved } from "./exchange.ts";
import { Http1Side } from "./http1-side.ts";
import type { Origin } from "./origin.ts";
import { openPassage, type Asker, type Passage, type Refused } from "./passage.ts";
import { reject } from "./record.ts";
import { clientNetwork, stateOf, type Open, type OpenState, type Proxy } from "./proxy.ts";

/** A client connection that makes forward requests, one after the other. */
class ForwardClient extends Due implements Asker, Open {
  readonly conn: Conn;
  readonly session: string;
  user: string | undefined;
  readonly origin: Origin | undefined;
  readonly #proxy: Proxy;
  #receivedBefore = 0;
  #exchanges = 0;

  constructor(proxy: Proxy, { conn, session, origin }: Asker) {
    super();
    this.#proxy = proxy;
    this.conn = conn;
    this.session = session;
    this.origin = origin;
    proxy.open.enter(this);
    this.rest(-1);
  }

  /** Waits for the next request head, under the same deadline as for the first. */
  rest(received = this.conn.received): void {
    if (this.#exchanges > 0 || this.conn.closed) return;
    this.#receivedBefore = received;
    if (this.#proxy.draining) this.retire();
    else this.#proxy.deadlines.add(this);
  }

  /** Of requests that overlap, the one that was let through last. */
  passage: Passage | undefined;
  asked: ProxyRequest | undefined;

  describe(): OpenState[] {
    return [stateOf(this, this.asked, this.passage)];
  }

  /** The last answer may still be on its way: the end goes behind it. */
  retire(): void {
    if (this.#exchanges > 0) return;
    this.conn.end();
    // A client that keeps its side open holds up the drain no longer than one that is slow to ask.
    this.#proxy.deadlines.add(this);
  }

  /** The deadline is over; not a byte of a next request is no offence. A client that is still reading its answer is not late. */
  override late(): void {
    if (this.conn.buffered > 0) {
      this.#proxy.deadlines.add(this);
      return;
    }
    if (this.conn.received > this.#receivedBefore) {
      reject(this.#proxy, this, "timeout", "the client was too slow to state its request");
    }
    this.cut();
  }

  get busy(): boolean {
    return this.#exchanges > 0;
  }

  /** An exchange begins; the client may have sent the next request already. */
  begin(): void {
    this.#exchanges++;
    this.#proxy.deadlines.remove(this);
  }

  done(): void {
    this.#exchanges--;
    if (this.#exchanges === 0) this.asked = this.passage = undefined;
    this.rest();
  }

  /** Set by `cut`: what ends then did not end by itself. */
  wasCut = false;

  cut(): void {
    this.wasCut = true;
    this.conn.destroy();
  }

  gone(): void {
    this.#proxy.deadlines.remove(this);
    this.#proxy.open.leave(this);
  }
}

export class Forwarder {
  readonly #proxy: Proxy;
  readonly #server: Server;
  readonly #clients = new WeakMap<object, ForwardClient>();

  constructor(proxy: Proxy) {
    this.#proxy = proxy;
    this.#server = createServer({ maxHeaderSize: proxy.settings.mostHead, requestTimeout: 0, headersTimeout: 0 });
    this.#server.keepAliveTimeout = 0;
    // A client may end its direction behind its request and still wait for the answer.
    Object.assign(this.#server, { httpAllowHalfOpen: true });
    this.#server.on("request", (req, res) => void this.#exchange(req, res));
    this.#server.on("checkContinue", (req, res) => void this.#exchange(req, res));
    this.#server.on("connect", (req, socket, head) => this.#handBack(req, socket as unknown as ConnDuplex, head));
    this.#server.on("clientError", (error, socket) => this.#malformed(error, socket as unknown as ConnDuplex));
  }

  /** Takes over a client connection that began with a forward request. */
  adopt(asker: Asker, early: Early): void {
    const duplex = new ConnDuplex(asker.conn, early);
    const client = new ForwardClient(this.#proxy, asker);
    this.#clients.set(duplex, client);
    duplex.on("error", () => {});
    duplex.on("close", () => client.gone());
    this.#server.emit("connection", duplex);
  }

  /** A CONNECT that follows forward requests on one connection is a client's first words once more. */
  #handBack(req: IncomingMessage, duplex: ConnDuplex, head: Uint8Array): void {
    const client = this.#clients.get(duplex);
    // Behind a request that is not answered yet there is no telling whose bytes would be whose.
    if (client?.busy !== false) {
      duplex.destroy();
      return;
    }
    const fields = pairs(req.rawHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
    const bytes = Buffer.from(`CONNECT ${req.url} HTTP/${req.httpVersion}\r\n${fields.join("")}\r\n`, "latin1");
    client.gone();
    const early = { bytes: Buffer.concat([bytes, head]), ended: false };
    Client.admit(this.#proxy, duplex.detach(), { origin: client.origin, early });
  }

  #malformed(error: Error & { code?: string }, duplex: ConnDuplex): void {
    const client = this.#clients.get(duplex);
    if (client === undefined || duplex.conn.closed) return;
    reject(this.#proxy, client, "protocol", `not an HTTP request: ${error.code ?? error.message}`);
    // An answer is on its way: more words would be taken for a part of it.
    if (client.busy) {
      duplex.destroy();
      return;
    }
    const answer = answerRefusal("bad_request", "the request is malformed");
    endWith(duplex.detach(), encodeAnswer(answer), () => client.gone());
  }

  async #exchange(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const client = this.#clients.get(req.socket);
    if (client === undefined) return;
    client.begin();
    res.on("close", () => client.done());
    const side = new Http1Side(req, res);
    // Of this request alone: the next one may bring another user.
    const { conn, session, origin } = client;
    const asker: Asker = { conn, session, user: undefined, origin };
    const refusal = await this.#refusal(asker, req);
    if (res.destroyed) return;
    if (refusal !== undefined) {
      reject(this.#proxy, asker, refusal.status === 407 ? "authentication" : "protocol", refusal.body.trim());
      side.refuse(refusal);
      return;
    }
    const target = parseForwardTarget(req.url ?? "")!;
    const { host, port, path, query } = target;
    const fields = pairs(req.rawHeaders);
    const { method = "", httpVersion: version } = req;
    const http = { method, path, query, headers: () => fields, version };
    const asking = { method, target, fields, version: "1.1", client: side, wasCut: () => client.wasCut };
    const { relay } = this.#proxy.settings;
    const asked: ProxyRequest = { protocol: "http", host, ip: undefined, port, http };
    client.user = asker.user;
    client.asked = asked;
    const refused = (answer: Refused) => {
      side.refuse(answerRefusal(answer.refusal, answer.message, refusalBody(this.#proxy, asker, asked, answer)));
    };
    openPassage(this.#proxy, asker, asked, {
      answered(answer) {
        if ("refusal" in answer) refused(answer);
        else if (!res.destroyed) {
          client.passage = answer;
          exchange(asking, answer, relay);
        } else {
          answer.upstream.destroy();
          answer.close({ reason: "client", sent: 0, received: 0, error: "the client left before the answer" });
        }
      },
    });
  }

  /** What is wrong with the request before any policy is asked. */
  async #refusal(asker: Asker, req: IncomingMessage): Promise<RefusalAnswer | undefined> {
    const { users } = this.#proxy;
    if (users !== undefined) {
      const value = req.headers["proxy-authorization"];
      const credentials = value === undefined ? undefined : decodeBasic(value);
      if (credentials === undefined) return answerUnauthenticated("this proxy asks for a user and a password");
      const accepted = await users.verify(credentials.user, credentials.password, clientNetwork(asker));
      if (!accepted) return answerUnauthenticated("the user or the password is wrong");
      asker.user = credentials.user;
    }
    const unfit = unserved(req.method, parseForwardTarget(req.url ?? ""));
    if (unfit !== undefined) return unfit;
    if (framingOf(pairs(req.rawHeaders)) === "unknown") {
      return answerRefusal("unsupported_coding", "the only transfer coding that is forwarded is chunked");
    }
    return undefined;
  }
}

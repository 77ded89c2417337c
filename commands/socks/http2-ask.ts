/** What one stream of HTTP/2 asks for: a tunnel (CONNECT), a WebSocket (RFC 8441), or an `http://` resource. From its fields to its end. */
import type { Http2RequestConn } from "../../lib/net/http2-server-conn.ts";
import type { Conn, Early } from "../../lib/net/conn.ts";
import { Relay, type RelayEnded, type RelayResult } from "../../lib/net/relay.ts";
import { NOTHING, type ProxyRequest } from "../../lib/session/front.ts";
import { parseHttp2Request, splitAuthority, valueOf, type Http2Request } from "../../lib/session/http2-request.ts";
import { answerRefusal, answerUnauthenticated, type RefusalAnswer } from "../../lib/session/http-refusal.ts";
import type { HeaderField } from "../../lib/wire/hpack.ts";
import { decodeBasic } from "../../lib/wire/http-connect.ts";
import { H2_ERROR } from "../../lib/wire/http2.ts";
import type { Http2Client } from "./http2.ts";
import type { Http2Forward } from "./http2-forward.ts";
import { refuseStream } from "./http2-refusal.ts";
import { openWebSocket } from "./http2-websocket.ts";
import type { Origin } from "./origin.ts";
import { refusalBody } from "./denial.ts";
import { openPassage, type Answer, type Asker, type Ended, type Passage, type Refused } from "./passage.ts";
import { clientNetwork, stateOf, type OpenState, type Proxy } from "./proxy.ts";
import { reject } from "./record.ts";

const OPEN: readonly HeaderField[] = [[":status", "200"]];

export class Http2Ask implements Asker, Answer, RelayEnded {
  readonly conn: Conn;
  readonly origin: Origin | undefined;
  user: string | undefined;
  readonly #proxy: Proxy;
  readonly #client: Http2Client;
  readonly #stream: Http2RequestConn;
  #request!: Http2Request;
  /** The request has no content. */
  #ended = false;
  #forward: Http2Forward | undefined;
  #asked: ProxyRequest | undefined;
  #passage: Passage | undefined;
  #relay: Relay | undefined;
  #wasCut = false;

  constructor(proxy: Proxy, client: Http2Client, stream: Http2RequestConn) {
    this.#proxy = proxy;
    this.#client = client;
    this.#stream = stream;
    this.conn = client.conn;
    this.origin = client.origin;
  }

  /** That of the connection and the number of the stream. */
  get session(): string {
    return `${this.#client.session}/${this.#stream.id}`;
  }

  /** `fields` is undefined where they are too large; `ended`: nothing follows them. */
  begin(fields: readonly HeaderField[] | undefined, ended: boolean): void {
    if (fields === undefined) {
      this.#turnAway("protocol", TOO_LARGE);
      return;
    }
    const request = parseHttp2Request(fields, ended);
    if (typeof request === "string") {
      // RFC 9113 section 8.1.1: a malformed request is an error of its stream.
      reject(this.#proxy, this, "protocol", request);
      this.#stream.reset(H2_ERROR.protocol);
      this.#client.done(this);
      return;
    }
    this.#request = request;
    this.#ended = ended;
    if (request.method !== "CONNECT") this.#stream.takeTrailers();
    if (this.#proxy.users === undefined) this.#ask();
    else void this.#authenticate();
  }

  cut(): void {
    this.#wasCut = true;
    if (this.#relay === undefined) this.#stream.destroy();
    else this.#relay.cut();
  }

  async #authenticate(): Promise<void> {
    const value = valueOf(this.#request.fields, "proxy-authorization");
    const credentials = value === undefined ? undefined : decodeBasic(value);
    if (credentials === undefined) {
      this.#turnAway("authentication", answerUnauthenticated("this proxy asks for a user and a password"));
      return;
    }
    const { user, password } = credentials;
    const accepted = (await this.#proxy.users?.verify(user, password, clientNetwork(this))) ?? false;
    if (this.#stream.closed) this.#client.done(this);
    else if (accepted) {
      this.user = user;
      this.#ask();
    } else this.#turnAway("authentication", answerUnauthenticated("the user or the password is wrong"));
  }

  #ask(): void {
    if (this.#request.method === "CONNECT") this.#decide(toProxyRequest(this.#request));
    else void this.#askForward();
  }

  async #askForward(): Promise<void> {
    const part = await import("./http2-forward.ts").catch((reason: unknown) => String(reason));
    if (this.#stream.closed) {
      this.#client.done(this);
      return;
    }
    if (typeof part === "string") {
      this.#turnAway("failed", answerRefusal("failed", `forwarding cannot be loaded: ${part}`));
      return;
    }
    const forward = part.toForward(this.#stream, this.#request, this.#ended);
    if (!("status" in forward)) this.#forward = forward;
    this.#decide("status" in forward ? forward : forward.asked);
  }

  #decide(asked: ProxyRequest | RefusalAnswer): void {
    if ("status" in asked) this.#turnAway("protocol", asked);
    else {
      this.#asked = asked;
      openPassage(this.#proxy, this, asked, this);
    }
  }

  /** At this moment, for whoever asks. */
  get state(): OpenState {
    return stateOf(this, this.#asked, this.#passage);
  }

  answered(answer: Passage | Refused): void {
    if ("refusal" in answer) {
      const body = refusalBody(this.#proxy, this, this.#asked!, answer);
      this.#refuse(answerRefusal(answer.refusal, answer.message, body));
      return;
    }
    this.#passage = answer;
    if (this.#stream.closed) this.#abandon(answer, "the client left before the tunnel was open");
    else if (this.#forward !== undefined) this.#exchange(this.#forward, answer);
    else if (this.#request.protocol === undefined) this.#open(answer.upstream, OPEN);
    else void this.#openWebSocket(answer);
  }

  #exchange(forward: Http2Forward, passage: Passage): void {
    const close = (ended: Ended) => {
      passage.close(ended);
      this.#client.done(this);
    };
    const { upstream, started } = passage;
    const { relay } = this.#proxy.settings;
    forward.start({ upstream, started, describe: () => passage.describe(), close }, relay, () => this.#wasCut);
  }

  async #openWebSocket(passage: Passage): Promise<void> {
    const opened = await openWebSocket(this.#proxy, passage.upstream, this.#request);
    if ("answer" in opened) {
      opened.conn.destroy();
      passage.close({ reason: "upstream", sent: 0, received: 0, error: opened.reason });
      this.#refuse(opened.answer);
    } else if (this.#stream.closed) {
      opened.conn.destroy();
      this.#abandon(passage, "the client left before the tunnel was open");
    } else this.#open(opened.conn, [...OPEN, ...opened.fields], opened.early);
  }

  #open(upstream: Conn, fields: readonly HeaderField[], early?: Early): void {
    this.#stream.respond(fields);
    if (early !== undefined && early.bytes.length > 0) this.#stream.write(early.bytes);
    const none = { bytes: NOTHING, ended: false };
    this.#relay = new Relay(this.#stream, upstream, this.#proxy.settings.relay, none, this);
    if (early?.ended) this.#stream.end();
  }

  relayEnded({ by, error }: RelayResult): void {
    const { received, sent } = this.#stream;
    this.#passage!.close({ reason: by, sent: received, received: sent, error: error?.message });
    this.#client.done(this);
  }

  #abandon(passage: Passage, error: string): void {
    passage.upstream.destroy();
    passage.close({ reason: this.#wasCut ? "cut" : "client", sent: 0, received: 0, error });
    this.#client.done(this);
  }

  /** Before any policy was asked. */
  #turnAway(reason: string, answer: RefusalAnswer): void {
    reject(this.#proxy, this, reason, answer.body.trim());
    this.#refuse(answer);
  }

  #refuse(answer: RefusalAnswer): void {
    refuseStream(this.#stream, this.#asked?.http?.method, answer);
    this.#client.done(this);
  }
}

const TOO_LARGE: RefusalAnswer = {
  ...answerRefusal("bad_request", "the request head is too large"),
  status: 431,
  phrase: "Request Header Fields Too Large",
  body: "431 Request Header Fields Too Large: the request head is too large\n",
};

/** What is to be decided; or the answer to what is not served. */
function toProxyRequest(request: Http2Request): ProxyRequest | RefusalAnswer {
  const { method, protocol, scheme, path, authority, fields } = request;
  if (protocol !== undefined && protocol !== "websocket") {
    return answerRefusal("unsupported_coding", "the only :protocol that is served is websocket");
  }
  if (protocol !== undefined && scheme !== "http" && scheme !== "https") {
    return answerRefusal("bad_request", "the scheme of a WebSocket is http or https");
  }
  const target = splitAuthority(authority, scheme === "http" ? 80 : 443);
  if (typeof target === "string") return answerRefusal("bad_request", target);
  const headers = () => fields;
  const mark = path?.indexOf("?") ?? -1;
  const http = {
    method,
    path: (mark === -1 ? path : path!.slice(0, mark)) ?? "",
    query: mark === -1 ? "" : path!.slice(mark + 1),
    headers,
    version: "2",
    ...(scheme === undefined ? {} : { scheme }),
  };
  return { protocol: "http", host: target.host, ip: undefined, port: target.port, http };
}

/** The status listener of a daemon: a few fixed routes over HTTP/1.1, one request per connection. What they answer is not its business. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Logger } from "../command/log.ts";
import type { Conn, SocketAddress } from "../net/conn.ts";
import { Deadlines, Due } from "../net/deadlines.ts";
import { ConnDuplex } from "../net/duplex.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { KeepAlive } from "../net/keep-alive.ts";
import { openListener, type Environment } from "../net/listen.ts";
import { TlsFailure } from "../net/tls-failure.ts";

export interface Answer {
  status: number;
  /** Media type. */
  type: string;
  body: string;
  /** Further fields, and other values of those that every answer has. */
  headers?: Record<string, string>;
}

/** Who asks, and how. */
export interface Asking {
  readonly conn: Conn;
  /** The field Host, as it was sent. */
  readonly host: string | undefined;
}

export interface Route {
  /** GET answers HEAD as well. */
  method: "GET" | "POST";
  answer(query: URLSearchParams, asking: Asking): Answer | Promise<Answer>;
}

/** By path, as it is written in the request. */
export type Routes = ReadonlyMap<string, Route>;

export interface StatusOptions {
  routes: Routes;
  log: Logger;
  /**
   * Turns an accepted connection into one over TLS, or closes it (lib/net/tls.ts); attaches to it before it returns.
   * Without it the listener speaks plain HTTP.
   */
  secure?: (conn: Conn) => Promise<Conn | TlsFailure>;
  reusePort?: boolean;
  /** Milliseconds for a TLS handshake and the head of a request; 10 s. */
  asking?: number;
  /** Milliseconds for an answer, until the client has it all and closes; 30 s. */
  answering?: number;
}

export interface StatusListener {
  readonly address: SocketAddress;
  /** Accepts nothing more; resolves when answers under way are out, or two seconds later. */
  close(): Promise<void>;
}

/** Connections at a time. One more ends the oldest: who is quick is served, whoever else is there. */
const MOST_CONNECTIONS = 32;
const ASKING = 10_000;
const ANSWERING = 30_000;
/** Milliseconds for answers that are under way at the close. */
const FAREWELL = 2000;
/** Bytes of a request's head, and of its body, which means nothing to any route. */
const MOST_HEAD = 8192;
const MOST_BODY = 65_536;

/** Listens on `endpoint`. Throws `PortailError` (`listen.*`, `systemd.*`) when it cannot: then the daemon must not start. */
export async function openStatus(
  endpoint: Endpoint,
  env: Environment,
  options: StatusOptions,
): Promise<StatusListener> {
  const server = new StatusServer(options);
  const accept = (conn: Conn) => server.admit(conn);
  const reusePort = options.reusePort ?? false;
  const listener = await openListener(endpoint, env, { keepAlive: new KeepAlive(0), accept, reusePort, always: true });
  return {
    address: listener.address,
    close() {
      listener.close();
      return server.close();
    },
  };
}

/** One connection. */
class StatusConnection extends Due {
  conn: Conn;
  readonly #server: StatusServer;
  /** Its request has come; there is only one. */
  asked = false;

  constructor(server: StatusServer, conn: Conn) {
    super();
    this.#server = server;
    this.conn = conn;
  }

  override late(): void {
    this.#server.dismiss(this);
  }
}

class StatusServer {
  readonly #options: StatusOptions;
  readonly #http: Server;
  readonly #connections = new Set<StatusConnection>();
  readonly #byStream = new WeakMap<object, StatusConnection>();
  readonly #asking: Deadlines;
  readonly #answering: Deadlines;
  #emptied: (() => void) | undefined;

  constructor(options: StatusOptions) {
    this.#options = options;
    this.#asking = new Deadlines(options.asking ?? ASKING);
    this.#answering = new Deadlines(options.answering ?? ANSWERING);
    // The deadlines are ours: they cover the TLS handshake as well.
    this.#http = createServer({ maxHeaderSize: MOST_HEAD, requestTimeout: 0, headersTimeout: 0 });
    this.#http.on("request", (req, res) => void this.#answer(req, res));
    this.#http.on("clientError", (_error, stream) => stream.end(MALFORMED));
  }

  admit(conn: Conn): void {
    const [oldest] = this.#connections;
    if (oldest !== undefined && this.#connections.size >= MOST_CONNECTIONS) this.dismiss(oldest);
    const connection = new StatusConnection(this, conn);
    this.#connections.add(connection);
    this.#asking.add(connection);
    const { secure, log } = this.#options;
    if (secure === undefined) this.#serve(connection, conn);
    else {
      void secure(conn).then((secured) => {
        if (!(secured instanceof TlsFailure)) {
          this.#serve(connection, secured);
          return;
        }
        log.debug("no TLS on the status listener", { reason: secured.message });
        this.dismiss(connection);
      });
    }
  }

  #serve(connection: StatusConnection, conn: Conn): void {
    if (!this.#connections.has(connection)) {
      conn.destroy();
      return;
    }
    connection.conn = conn;
    const stream = new ConnDuplex(conn);
    this.#byStream.set(stream, connection);
    stream.on("error", () => {});
    stream.on("close", () => this.dismiss(connection));
    this.#http.emit("connection", stream);
  }

  /** Ends a connection, or notes its end. */
  dismiss(connection: StatusConnection): void {
    this.#asking.remove(connection);
    this.#answering.remove(connection);
    this.#connections.delete(connection);
    connection.conn.destroy();
    if (this.#connections.size === 0) this.#emptied?.();
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) if (!connection.asked) this.dismiss(connection);
    if (this.#connections.size === 0) return;
    const emptied = new Promise<void>((resolve) => (this.#emptied = resolve));
    const timer = setTimeout(() => {
      for (const connection of this.#connections) this.dismiss(connection);
    }, FAREWELL);
    await emptied;
    clearTimeout(timer);
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const connection = this.#byStream.get(req.socket);
    if (connection === undefined) return;
    if (connection.asked) {
      // A second request is not answered; thousands behind a slow answer would fill the memory.
      if (connection.conn.received > MOST_HEAD + MOST_BODY) this.dismiss(connection);

      return;
    }
    connection.asked = true;
    this.#asking.remove(connection);
    this.#answering.add(connection);
    // Unread, the runtime would keep all of it in memory.
    let body = 0;
    req.on("data", (chunk: Uint8Array) => {
      body += chunk.length;
      if (body > MOST_BODY) this.dismiss(connection);
    });
    const [path = "", query = ""] = (req.url ?? "").split("?", 2);
    const refusal = refuse(this.#options.routes, path, req);
    const asking = { conn: connection.conn, host: req.headers.host };
    const answer = refusal ?? (await this.#ask(path, query, asking));
    if (res.destroyed) return;
    res.writeHead(answer.status, {
      "Content-Type": answer.type,
      "Content-Length": Buffer.byteLength(answer.body),
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
      Connection: "close",
      ...answer.headers,
    });
    res.end(req.method === "HEAD" ? undefined : answer.body);
  }

  /** A mistake of ours in an answer must not end what the daemon is there for. */
  async #ask(path: string, query: string, asking: Asking): Promise<Answer> {
    try {
      return await this.#options.routes.get(path)!.answer(new URLSearchParams(query), asking);
    } catch (error) {
      this.#options.log.error(`the answer to ${path} failed`, { error: String(error) });
      return plain(500, "the answer failed; the log says why");
    }
  }
}

const MALFORMED = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

function plain(status: number, text: string): Answer {
  return { status, type: "text/plain; charset=utf-8", body: `${text}\n` };
}

/** What is wrong with a request before its route is asked. */
function refuse(routes: Routes, path: string, { method = "", headers }: IncomingMessage): Answer | undefined {
  const route = routes.get(path);
  if (route === undefined) {
    const there = Array.from(routes, ([known, { method }]) => `${method} ${known}`).join(", ");
    return plain(404, `not found; there is ${there}`);
  }
  const allowed = route.method === "GET" ? ["GET", "HEAD"] : [route.method];
  if (!allowed.includes(method)) {
    return { ...plain(405, `${path} takes ${allowed.join(" and ")}`), headers: { Allow: allowed.join(", ") } };
  }
  // A page in a browser on this machine may send forms to loopback; programs send no origin.
  if (method === "POST" && (headers.origin !== undefined || (headers["sec-fetch-site"] ?? "none") !== "none")) {
    return plain(403, "web pages may not do this");
  }
  return undefined;
}

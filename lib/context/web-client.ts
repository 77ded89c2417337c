/** GETs from one web server, over connections of our own: no proxy of the environment, no redirect, no more bytes than asked for. */
import type { ClientRequest, IncomingMessage, request as openRequest } from "node:http";
import type { Conn } from "../net/conn.ts";
import { Deadlines } from "../net/deadlines.ts";
import { DialError, Dialer } from "../net/dial.ts";
import { ConnDuplex } from "../net/duplex.ts";
import { KeepAlive } from "../net/keep-alive.ts";
import type { Resolve } from "../net/resolve.ts";
import { secureHost } from "../net/secure-host.ts";
import { Target } from "../net/target.ts";
import type { TlsContext } from "../net/tls-context.ts";
import { parseIp } from "../wire/ip.ts";
import { Trouble } from "./counts.ts";

interface WebServer {
  readonly host: string;
  readonly port: number;
  /** The value of the Host field. */
  readonly authority: string;
  /** Absent over plain HTTP. */
  readonly tls: TlsContext | undefined;
}

interface WebAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

export class WebClient {
  readonly #server: WebServer;
  readonly #target: Target;
  readonly #keepAlive = new KeepAlive(0);
  readonly #deadlines: Deadlines;
  #request: Promise<typeof openRequest> | undefined;

  /** `timeout` in milliseconds, for the connection and for TLS each. */
  constructor(server: WebServer, resolve: Resolve, timeout: number) {
    this.#server = server;
    this.#deadlines = new Deadlines(timeout);
    const dialer = new Dialer(timeout, this.#keepAlive);
    this.#target = new Target({ kind: "tcp", host: server.host, port: server.port }, { dialer, resolve });
  }

  /** Asks for `path` and reads at most `most` bytes of content. An abort ends it soon. Never rejects. */
  async get(
    path: string,
    headers: Readonly<Record<string, string>>,
    most: number,
    signal: AbortSignal,
  ): Promise<WebAnswer | Trouble> {
    // Loaded when it is wanted: it is memory that a proxy without such a provider does without.
    const request = await (this.#request ??= import("node:http").then((http) => http.request));
    const conn = await this.#connect();
    if (conn instanceof Trouble) return conn;
    if (signal.aborted) {
      conn.destroy();
      return new Trouble("timeout", "no answer in time");
    }
    return exchange(request, new ConnDuplex(conn), { path, host: this.#server.authority, headers, most, signal });
  }

  async #connect(): Promise<Conn | Trouble> {
    const { tls, host } = this.#server;
    const conn = await this.#target.open();
    if (conn instanceof DialError) {
      return new Trouble(conn.kind === "timeout" ? "timeout" : "down", `the server is not reached: ${conn.message}`);
    }
    if (tls === undefined) return conn;
    const secured = await secureHost(conn, host, {
      context: tls,
      requestCert: true,
      verify: true,
      protocolIds: ["http/1.1"],
      serverName: parseIp(host) === undefined ? host : undefined,
      deadlines: this.#deadlines,
      keepAlive: this.#keepAlive,
    });
    return "reason" in secured ? new Trouble("tls", `the server is not trusted: ${secured.message}`) : secured;
  }
}

interface Asked {
  path: string;
  host: string;
  headers: Readonly<Record<string, string>>;
  most: number;
  signal: AbortSignal;
}

/** One request on a connection of its own. */
function exchange(
  request: typeof openRequest,
  socket: ConnDuplex,
  { path, host, headers, most, signal }: Asked,
): Promise<WebAnswer | Trouble> {
  const { promise, resolve } = Promise.withResolvers<WebAnswer | Trouble>();
  /** The first end counts: what follows is its consequence. */
  const end = (outcome: WebAnswer | Trouble) => {
    resolve(outcome);
    socket.destroy();
  };
  const broken = (why: string) => end(new Trouble("down", `the answer broke off: ${why}`));
  socket.on("error", () => {});
  socket.on("close", () => broken("the connection was closed"));
  signal.addEventListener("abort", () => end(new Trouble("timeout", "no answer in time")));
  let asking: ClientRequest;
  try {
    asking = request({
      method: "GET",
      path,
      headers: {
        Host: host,
        Accept: "application/json",
        "Accept-Encoding": "identity",
        ...headers,
        Connection: "close",
      },
      setHost: false,
      createConnection: () => socket as never,
    });
  } catch {
    end(new Trouble("syntax", "the request cannot be written: a header has a character that none may have"));
    return promise;
  }
  asking.on("error", (error) => broken((error as { code?: string }).code ?? error.name));
  asking.on("upgrade", () => broken("the answer is another protocol"));
  asking.on("response", (answer) => {
    answer.on("aborted", () => broken("the connection was closed"));
    answer.on("error", () => broken("the connection was closed"));
    readContent(answer, most, end);
  });
  asking.end();
  return promise;
}

function readContent(answer: IncomingMessage, most: number, end: (outcome: WebAnswer | Trouble) => void): void {
  const status = answer.statusCode ?? 0;
  const chunks: Uint8Array[] = [];
  let size = 0;
  answer.on("data", (chunk: Uint8Array) => {
    size += chunk.length;
    if (size > most) end(new Trouble("size", `the answer is larger than ${most} bytes`));
    else chunks.push(chunk);
  });
  answer.on("end", () => {
    if (answer.complete) end({ status, body: Buffer.concat(chunks) });
  });
}

/** TLS over any `Conn`, by node:tls: where bytes were read ahead, or TLS runs within TLS. tls-conn.ts is the quick way. */
import { TLSSocket, connect } from "node:tls";
import type { Conn, ConnEvents, Early, SocketAddress, TlsInfo } from "./conn.ts";
import { Due } from "./deadlines.ts";
import { ConnDuplex } from "./duplex.ts";
import { Held } from "./held.ts";
import type { HandshakeOptions } from "./tls-conn.ts";
import { tlsFailure, TlsFailure } from "./tls-failure.ts";

/** Told once. */
export interface StreamSecured {
  secured(conn: Conn): void;
  failed(failure: TlsFailure): void;
}

/** Puts TLS over `conn`, of which `early` was read already. */
export function handshakeStream(
  conn: Conn,
  early: Early,
  isServer: boolean,
  options: HandshakeOptions,
  told: StreamSecured,
): void {
  new StreamHandshake(conn, early, isServer, options, told).begin();
}

class StreamHandshake extends Due {
  readonly #options: HandshakeOptions;
  readonly #told: StreamSecured;
  readonly #socket: TLSSocket;
  #over = false;

  constructor(conn: Conn, early: Early, isServer: boolean, options: HandshakeOptions, told: StreamSecured) {
    super();
    this.#options = options;
    this.#told = told;
    const duplex = new ConnDuplex(conn, early);
    this.#socket = isServer ? serverSocket(duplex, options) : clientSocket(duplex, options);
    this.#socket.on("error", (error: Error) => this.#fail(tlsFailure(error)));
    this.#socket.on("close", () =>
      this.#fail(new TlsFailure("handshake_closed", "the peer closed the connection during the handshake")),
    );
    this.#socket.on("session", (session: Buffer) => {
      if (options.sessions !== undefined) options.sessions.session = session;
    });
    this.#socket.once(isServer ? "secure" : "secureConnect", () => this.#secured(conn));
  }

  begin(): void {
    this.#options.deadlines.add(this);
  }

  #secured(conn: Conn): void {
    if (this.#over) return;
    const { verify } = this.#options;
    if (verify && !this.#socket.authorized) {
      this.#fail(tlsFailure(this.#socket.authorizationError));
      return;
    }
    this.#settle();
    this.#socket.removeAllListeners("error");
    this.#socket.removeAllListeners("close");
    this.#told.secured(new StreamConn(this.#socket, conn));
  }

  override late(): void {
    this.#fail(new TlsFailure("handshake_timeout", "the handshake took too long"));
  }

  #settle(): void {
    this.#over = true;
    this.#options.deadlines.remove(this);
  }

  #fail(failure: TlsFailure): void {
    if (this.#over) return;
    this.#settle();
    this.#told.failed(failure);
    this.#socket.destroy();
  }
}

function serverSocket(duplex: ConnDuplex, options: HandshakeOptions): TLSSocket {
  const { context, requestCert, verify, protocolIds } = options;
  return new TLSSocket(duplex, {
    isServer: true,
    secureContext: context,
    requestCert,
    rejectUnauthorized: verify,
    ...(protocolIds.length === 0 ? {} : { ALPNProtocols: [...protocolIds] }),
  });
}

function clientSocket(duplex: ConnDuplex, options: HandshakeOptions): TLSSocket {
  const { context, verify, protocolIds, serverName, sessions } = options;
  return connect({
    socket: duplex,
    secureContext: context,
    rejectUnauthorized: verify,
    // The caller checks names, by the strict rules of lib/identity/server-name.ts.
    checkServerIdentity: () => undefined,
    allowHalfOpen: true,
    ...(protocolIds.length === 0 ? {} : { ALPNProtocols: [...protocolIds] }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(sessions?.session === undefined ? {} : { session: Buffer.from(sessions.session) }),
  } as never);
}

class StreamConn implements Conn {
  readonly tls: TlsInfo;
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  received = 0;
  sent = 0;
  closed = false;
  readonly #socket: TLSSocket;
  readonly #below: Conn;
  #events: ConnEvents = new Held(this);
  #error: Error | undefined;

  constructor(socket: TLSSocket, below: Conn) {
    this.#socket = socket;
    this.#below = below;
    this.remote = below.remote;
    this.local = below.local;
    this.tls = infoOf(socket);
    socket.on("data", (chunk: Uint8Array) => {
      this.received += chunk.length;
      this.#events.data(chunk);
    });
    socket.on("drain", () => this.#events.drain());
    socket.on("end", () => this.#events.end());
    socket.on("error", (error: Error) => (this.#error = error));
    socket.on("close", () => {
      this.closed = true;
      this.#events.close(this.#error);
    });
  }

  get buffered(): number {
    return this.#socket.writableLength + this.#below.buffered;
  }

  attach(events: ConnEvents): void {
    const before = this.#events;
    this.#events = events;
    if (before instanceof Held) before.release(events);
    if (this.closed) events.close(this.#error);
  }

  write(bytes: Uint8Array): boolean {
    if (this.closed || this.#socket.writableEnded) return true;
    this.sent += bytes.length;
    return this.#socket.write(bytes);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    if (this.closed) return;
    this.#socket.destroy();
    this.#below.destroy();
  }
}

function infoOf(socket: TLSSocket): TlsInfo {
  const { servername } = socket as unknown as { servername?: string | false };
  const certificate = socket.getPeerX509Certificate()?.raw;
  return {
    version: socket.getProtocol() ?? "",
    resumed: socket.isSessionReused(),
    ...(typeof servername === "string" && servername !== "" ? { serverName: servername.toLowerCase() } : {}),
    ...(typeof socket.alpnProtocol === "string" ? { protocolId: socket.alpnProtocol } : {}),
    ...(certificate === undefined ? {} : { certificate }),
  };
}

/** `Conn` over a TLS layer of the runtime's own sockets, from its handshake on. What it presents and trusts is tls-context.ts. */
import type { Socket, SocketHandler } from "bun";
import type { Conn, TlsInfo } from "./conn.ts";
import { type Deadlines, Due } from "./deadlines.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { type Ends, NativeConn } from "./native-conn.ts";
import type { TlsContext } from "./tls-context.ts";
import { tlsFailure, TlsFailure } from "./tls-failure.ts";

export interface HandshakeOptions {
  context: TlsContext;
  /** Ask the peer for a certificate. A client always gets one. */
  requestCert: boolean;
  /**
   * Refuse a peer whose certificate does not chain to the context's trust, and one without a certificate; `given` lets the
   * latter pass, of a server's clients. Without it the caller must judge it.
   */
  verify: boolean | "given";
  /** In the order of preference; none negotiates nothing. */
  protocolIds: readonly string[];
  /** Of the client's side: sent to the server; absent for an address. */
  serverName?: string | undefined;
  /** Of the client's side: resumed if it can be, and replaced by what the server gives. */
  sessions?: SessionCache | undefined;
  deadlines: Deadlines;
  keepAlive: KeepAlive;
}

/** The last session of one target, to be resumed (RFC 8446 section 2.2). Belongs to one context: other trust, other sessions. */
export class SessionCache {
  session: Uint8Array | undefined;
}

/** Told once. */
interface Handshaken {
  secured(conn: NativeConn): void;
  failed(failure: TlsFailure): void;
}

/**
 * Puts TLS over `conn`, which is spent with it. `early` is what was read of the peer already and belongs to the layer.
 * `below` is for a connection that can neither tell nor pass on an abort itself.
 */
export function handshake(
  conn: NativeConn,
  early: Uint8Array,
  isServer: boolean,
  options: HandshakeOptions,
  told: Handshaken,
  below?: Below,
): void {
  new Handshake(conn, early, isServer, options, told, below).begin();
}

interface Below {
  /** Why it broke off. */
  readonly error: Error | undefined;
  abort(): void;
}

/** A socket's `data` until the handshake is over. */
class Handshake extends Due {
  readonly #options: HandshakeOptions;
  readonly #told: Handshaken;
  readonly #isServer: boolean;
  readonly #socket: Socket<Receiver>;
  readonly #ends: Ends | undefined;
  readonly #below: Below | undefined;
  #error: Error | undefined;
  /** Given before the server was judged. */
  #session: Uint8Array | undefined;
  /** Not while the layer is put on: what was read before may be no TLS, which is told at once. */
  #laid = false;
  #over = false;

  constructor(
    conn: NativeConn,
    early: Uint8Array,
    isServer: boolean,
    options: HandshakeOptions,
    told: Handshaken,
    below: Below | undefined,
  ) {
    super();
    this.#below = below;
    this.#options = options;
    this.#told = told;
    this.#isServer = isServer;
    // Where the socket cannot be asked.
    this.#ends = below === undefined ? undefined : { remote: conn.remote, local: conn.local };
    const { context, requestCert, verify, protocolIds, serverName = "" } = options;
    const tls = {
      secureContext: context.context,
      requestCert,
      // Servers are judged by `#judge`: the runtime would refuse them for their names as well, by rules that are not ours.
      rejectUnauthorized: isServer && verify === true,
      ...(protocolIds.length === 0 ? {} : { ALPNProtocols: encodeProtocolIds(protocolIds) }),
      // Without a name, even an empty one, the runtime sends the address that was dialled: RFC 6066 section 3 forbids it.
      ...(isServer ? {} : { serverName }),
    };
    const initialData = early.length === 0 ? undefined : Buffer.from(early.buffer, early.byteOffset, early.length);
    const socket = options.sessions === undefined ? TLS_HANDLERS : RESUMING_HANDLERS;
    const upgrade = { data: this, tls, isServer, initialData, socket };
    this.#socket = conn.giveUp((below) => below.upgradeTLS(upgrade as never)[1]) as never;
    this.#laid = true;
  }

  begin(): void {
    if (this.#over) this.#socket.terminate();
    else this.#options.deadlines.add(this);
  }

  /** The layer is there, and has not sent its first message yet. */
  onOpen(socket: Socket<Receiver>): void {
    const session = this.#options.sessions?.session;
    if (session !== undefined) socket.setSession(session as Buffer);
  }

  onHandshake(success: boolean, error: Error | null): void {
    if (this.#over) return;
    if (!this.#laid || !this.#judge(success, error)) {
      this.#fail(tlsFailure(error ?? this.#error));
      return;
    }
    this.#settle();
    const { sessions } = this.#options;
    if (sessions !== undefined && this.#session !== undefined) sessions.session = this.#session;
    const conn = new TlsConn(this.#socket as never, this.#ends, this.#options, this.#below);
    this.#socket.data = conn;
    this.#told.secured(conn);
  }

  /**
   * Whether the handshake is done, and with `verify` the peer's chain leads to our trust. To clients the runtime reports a
   * server whose name does not please it as one that failed: it takes common names, and where there is no name it wants
   * the address that was dialled. Names are for the caller to judge, so that this is no failure here. What it says of the
   * chain comes first.
   */
  #judge(success: boolean, error: Error | null): boolean {
    if (!success && (this.#isServer || !isFinished(this.#socket))) return false;
    const { verify } = this.#options;
    if (verify === false || (verify === "given" && certificateOf(this.#socket) === undefined)) return true;
    if (error === null) return this.#socket.authorized;
    return !this.#isServer && (error as { code?: string }).code === "ERR_TLS_CERT_ALTNAME_INVALID";
  }

  onSession(session: Uint8Array): void {
    this.#session = session;
  }

  onError(error: Error): void {
    this.#error = error;
  }

  onData(): void {}
  onDrain(): void {}
  onEnd(): void {}

  onClose(error: Error | undefined): void {
    if (!this.#over) this.#fail(closedEarly(this.#error ?? error));
  }

  override late(): void {
    this.#fail(new TlsFailure("handshake_timeout", "the handshake took too long"));
  }

  #settle(): void {
    this.#over = true;
    this.#options.deadlines.remove(this);
  }

  #fail(failure: TlsFailure): void {
    this.#settle();
    this.#told.failed(failure);
    if (this.#laid) this.#socket.terminate();
  }
}

/** Whether the handshake of a client is over; nothing else tells where `success` does not. */
function isFinished(socket: Socket<Receiver>): boolean {
  try {
    (socket as unknown as TlsSocket).setServername("finished.invalid");
    return false;
  } catch {
    return true;
  }
}

function closedEarly(error: Error | undefined): TlsFailure {
  return error === undefined
    ? new TlsFailure("handshake_closed", "the peer closed the connection during the handshake")
    : tlsFailure(error);
}

/** A connection whose handshake is done. */
class TlsConn extends NativeConn {
  readonly #layer: Socket<NativeConn>;
  readonly #sessions: SessionCache | undefined;
  readonly #tls: TlsInfo;
  readonly #below: Below | undefined;
  #broken: Error | undefined;

  constructor(
    socket: Socket<NativeConn>,
    ends: Ends | undefined,
    { keepAlive, sessions }: HandshakeOptions,
    below: Below | undefined,
  ) {
    super(socket, keepAlive, ends);
    this.#layer = socket;
    this.#sessions = sessions;
    this.#below = below;
    this.#tls = infoOf(socket);
  }

  /** The peer's certificates, DER, its own first; those of an open connection. */
  get chain(): Uint8Array[] {
    const chain: Uint8Array[] = [];
    // Only `false` gives those that issued it; the last issued itself.
    let last = this.fd < 0 ? undefined : (this.#layer as unknown as TlsSocket).getPeerCertificate(false);
    while (last?.raw !== undefined && chain.length < LONGEST_CHAIN) {
      chain.push(last.raw);
      last = last.issuerCertificate === last ? undefined : last.issuerCertificate;
    }
    return chain;
  }

  override get tls(): TlsInfo {
    return this.#tls;
  }

  /** Servers of TLS 1.3 send sessions after the handshake. */
  onSession(session: Uint8Array): void {
    if (this.#sessions !== undefined) this.#sessions.session = session;
  }

  onError(error: Error): void {
    this.#broken = error;
  }

  override onEnd(): void {
    if (this.#below?.error === undefined) super.onEnd();
    else this.destroy();
  }

  override destroy(): void {
    if (!this.closed) this.#below?.abort();
    super.destroy();
  }

  override onClose(error: Error | undefined): void {
    super.onClose(this.#below?.error ?? this.#broken ?? error);
  }

  onHandshake(): void {}
}

/** The certificates of who is at the other end, DER, its own first; none where it gave none, or the connection is over. */
export function peerChain(conn: Conn): readonly Uint8Array[] {
  return conn instanceof TlsConn ? conn.chain : [];
}

/** A library takes no longer one either. */
const LONGEST_CHAIN = 16;

type Receiver = Handshake | TlsConn;

/** What the library reports (an alert, a bad record) is the peer's doing; an exception of a handler is a mistake of ours. */
function isLibraryError(error: Error): boolean {
  const { code, syscall } = error as { code?: string; syscall?: string };
  return code === "EPROTO" || syscall !== undefined || error.message.includes("SSL routines");
}

const TLS_HANDLERS: SocketHandler<Receiver> = {
  open(socket) {
    (socket.data as Handshake).onOpen(socket);
  },
  handshake(socket, success, error) {
    socket.data.onHandshake(success, error);
  },
  data(socket, chunk) {
    socket.data.onData(chunk);
  },
  drain(socket) {
    socket.data.onDrain();
  },
  end(socket) {
    socket.data.onEnd();
  },
  close(socket, error) {
    socket.data.onClose(error);
  },
  error(socket, error) {
    if (isLibraryError(error)) socket.data.onError(error);
    else queueMicrotask(() => throwIt(error));
  },
};

/** For who resumes: to be told of sessions costs a copy of each, certificates and all, and servers give two (measured: a sixteenth of a handshake). */
const RESUMING_HANDLERS = {
  ...TLS_HANDLERS,
  session(socket: Socket<Receiver>, session: Uint8Array) {
    socket.data.onSession(session);
  },
};

function throwIt(error: unknown): never {
  throw error;
}

/** Read once: a closed socket no longer knows. */
function infoOf(socket: Socket<NativeConn>): TlsInfo {
  const more = socket as unknown as TlsSocket;
  const serverName = more.getServername();
  const protocolId = more.alpnProtocol;
  const certificate = certificateOf(socket);
  return {
    version: more.getTLSVersion(),
    resumed: more.isSessionReused(),
    ...(typeof serverName === "string" && serverName !== "" ? { serverName: serverName.toLowerCase() } : {}),
    ...(typeof protocolId === "string" ? { protocolId } : {}),
    ...(certificate === undefined ? {} : { certificate }),
  };
}

function certificateOf(socket: Socket<Receiver> | Socket<NativeConn>): Uint8Array | undefined {
  return (socket as unknown as TlsSocket).getPeerX509Certificate()?.raw;
}

/** What the runtime's type lists leave out. */
interface TlsSocket {
  /** Throws once the handshake is over. */
  setServername(name: string): void;
  getServername(): string | undefined;
  getTLSVersion(): string;
  isSessionReused(): boolean;
  alpnProtocol: string | false;
  getPeerX509Certificate(): { raw: Uint8Array } | undefined;
  getPeerCertificate(abbreviated: boolean): Issued | undefined;
}

interface Issued {
  raw?: Uint8Array;
  issuerCertificate?: Issued;
}

/** RFC 7301 section 3.1: each with its length in front. */
function encodeProtocolIds(ids: readonly string[]): Buffer {
  return Buffer.concat(ids.map((id) => Buffer.concat([Buffer.of(Buffer.byteLength(id)), Buffer.from(id)])));
}

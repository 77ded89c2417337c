/** `Conn` over the runtime's own sockets: TCP and UNIX streams, half as dear per connection as node:net. TLS over it is tls-conn.ts. */
import type { Socket, SocketHandler } from "bun";
import { BaseConn } from "./base-conn.ts";
import { IGNORE, type Conn, type SocketAddress, type TlsInfo } from "./conn.ts";
import { readBulk, readInto, release, spliceBulk } from "./bulk.ts";
import { boundAddress } from "./inherited.ts";
import type { KeepAlive } from "./keep-alive.ts";

/**
 * Handlers for `Bun.listen`: `opened` receives each accepted connection that is still there. With `layered` it gives each
 * up before it returns, or pauses it until then.
 */
export function acceptHandlers(
  keepAlive: KeepAlive,
  opened: (conn: NativeConn) => void,
  layered: boolean,
): SocketHandler<NativeConn> {
  return {
    open(socket) {
      if (wasReset(socket)) {
        socket.terminate();
        return;
      }
      socket.data = new NativeConn(socket, keepAlive);
      opened(socket.data);
    },
    ...(layered ? BELOW : HANDLERS),
  };
}

/** Reset before it was accepted: the system cannot tell any more whose it was, only that it came by TCP. */
function wasReset(socket: Socket<NativeConn>): boolean {
  return socket.remoteAddress === undefined && socket.localAddress !== undefined;
}

function throwIt(error: unknown): never {
  throw error;
}

/** Both addresses of a connection. */
export interface Ends {
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
}

/** What a socket of `Bun.connect` has as its `data` until it is open. */
export interface Dialing {
  readonly keepAlive: KeepAlive;
  /** What is known of them already: to ask the system costs a call each time, and of an adopted socket it does not tell. */
  readonly ends?: Partial<Ends>;
  opened(conn: NativeConn): void;
  refused(reason: unknown): void;
}

/** Shared by every socket: what a socket has of its own is its `NativeConn`. */
const HANDLERS = {
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
    // Absent when the socket closes in its own open handler.
    socket.data?.onClose(error);
  },
  /** What the system says comes with `close`; an exception of a handler is a mistake of ours, and must not pass unseen. */
  error(_socket, error) {
    if ((error as { syscall?: string }).syscall === undefined) queueMicrotask(() => throwIt(error));
  },
} satisfies SocketHandler<NativeConn>;

/**
 * For a socket below a layer: without `data` the runtime does not make a copy of what came for the layer, ciphertext that
 * nobody looks at (measured: a quarter of the CPU time per byte that is received over TLS).
 */
const { data: _unwanted, ...BELOW } = HANDLERS;

/**
 * Handlers for `Bun.connect`, whose `data` is a `Dialing`; one object for all, since the runtime takes each apart. What it
 * answers can be dropped: where `connectError` is told, nobody need be told by the promise.
 */
export const DIAL_HANDLERS: SocketHandler<NativeConn> = {
  open(socket) {
    const dialing = socket.data as unknown as Dialing;
    socket.data = new NativeConn(socket, dialing.keepAlive, dialing.ends, true);
    dialing.opened(socket.data);
  },
  connectError(socket, error) {
    (socket.data as unknown as Dialing).refused(error);
  },
  ...HANDLERS,
};

/**
 * Bytes given to the system at a time: no more than goes into one packet of loopback. All of a large chunk at once leaves a
 * little for a packet of its own each time, and the pages of its packets are cold (measured, TLS to a plain server, 8
 * connections: 790 against 840 ms of CPU time per GiB).
 */
const AT_A_TIME = 48 * 1024;

const OPEN = 0;
const ENDING = 1;
const ENDED = 2;

export class NativeConn extends BaseConn implements Conn {
  #socket: Socket<NativeConn>;
  readonly #dialled: boolean;
  /** What the system did not take yet, in order; undefined when it took all. */
  #queue: Uint8Array[] | undefined;
  #queued = 0;
  #peerEnded = false;
  #destroyed = false;
  #broken: Error | undefined;
  #writing: typeof OPEN | typeof ENDING | typeof ENDED = OPEN;
  #remote: SocketAddress | undefined;
  #local: SocketAddress | undefined;

  /** The runtime sets TCP_NODELAY on every socket by itself. */
  constructor(socket: Socket<NativeConn>, keepAlive: KeepAlive, ends?: Partial<Ends>, dialled = false) {
    super(keepAlive);
    this.#socket = socket;
    this.#dialled = dialled;
    this.#remote = ends?.remote;
    this.#local = ends?.local;
  }

  get tls(): TlsInfo | undefined {
    return undefined;
  }

  get remote(): SocketAddress {
    return (this.#remote ??= tcpAddress(this.#socket.remoteAddress, this.#socket.remotePort));
  }

  get local(): SocketAddress {
    return (this.#local ??= this.#bound());
  }

  /** The runtime knows TCP addresses only; of a UNIX listener, the system knows the path. */
  #bound(): SocketAddress {
    const { localAddress, localPort } = this.#socket;
    const address = tcpAddress(localAddress, localPort);
    return "path" in address ? (boundAddress(this.fd) ?? address) : address;
  }

  get buffered(): number {
    return this.#queued;
  }

  /** Of the open socket; -1 once it is closed. */
  get fd(): number {
    return this.closed ? -1 : descriptor(this.#socket);
  }

  /**
   * Gives the socket to a layer over it: `wrap` gets it, and this connection has no more events. Nothing may be held or
   * waiting to be sent. To destroy it is to destroy the layer.
   */
  giveUp<T>(wrap: (socket: Socket<NativeConn>) => T): T {
    this.gone();
    this.attach(IGNORE);
    // An accepted socket shares its handlers with all others of its listener.
    if (this.#dialled) this.#socket.reload({ socket: BELOW } as never);
    const layer = wrap(this.#socket);
    // To terminate the socket below would leave it open, and the layer with nothing to close.
    this.#socket = layer as never;
    return layer;
  }

  override probeAfter(seconds: number): void {
    this.#socket.setKeepAlive(true, seconds * 1000);
  }

  write(bytes: Uint8Array): boolean {
    if (this.closed || this.#writing !== OPEN) return true;
    this.sent += bytes.length;
    if (this.#queue !== undefined) {
      this.#enqueue(bytes, 0);
      return false;
    }
    const taken = this.#send(bytes);
    if (taken < 0) this.#noteReset();
    else if (taken < bytes.length) this.#enqueue(bytes, taken);
    return this.#queue === undefined;
  }

  /** How much of `bytes` the system takes, -1 where the connection is lost. A layer over it makes records of them all. */
  #send(bytes: Uint8Array): number {
    if (bytes.length <= AT_A_TIME || this.tls !== undefined) return this.#socket.write(bytes);
    let sent = 0;
    while (sent < bytes.length) {
      const piece = bytes.subarray(sent, sent + AT_A_TIME);
      const taken = this.#socket.write(piece);
      if (taken < 0) return taken;
      sent += taken;
      if (taken < piece.length) break;
    }
    return sent;
  }

  /**
   * Moves what has arrived to `to` without handing it out. False if `to` asks to wait for its `drain`. For a receiver
   * that just got a large chunk and passed it on.
   */
  pumpTo(to: Conn, passed: Uint8Array): boolean {
    if (!(to instanceof NativeConn) || to.closed || to.#writing !== OPEN || to.#queue !== undefined) return true;
    release(passed);
    if (this.tls !== undefined) return true;
    const { fd } = this;
    if (fd < 0) return true;
    const moved = to.tls === undefined ? this.#spliceTo(to, fd) : undefined;
    this.received += moved ?? readBulk(fd, (piece) => to.#writeTransient(piece));
    return to.#queue === undefined;
  }

  readInto(bytes: Uint8Array): number {
    const { fd } = this;
    if (this.tls !== undefined || fd < 0) return 0;
    const length = readInto(fd, bytes);
    this.received += length;
    return length;
  }

  /** Undefined where it cannot. What passes through a layer over `to` must not pass it by. */
  #spliceTo(to: NativeConn, fd: number): number | undefined {
    const moved = spliceBulk(fd, to.fd, (rest, broken) => to.#writeRest(rest, broken));
    to.sent += moved ?? 0;
    return moved;
  }

  /** Bytes that count as sent already, and that the system did not take: the runtime tells when it takes more. */
  #writeRest(bytes: Uint8Array, broken: boolean): void {
    const taken = broken ? -1 : this.#send(bytes);
    if (taken < 0) {
      this.#noteReset();
      this.destroy();
    } else if (taken < bytes.length) this.#enqueue(bytes, taken);
  }

  /** Writes bytes that the caller will overwrite: what the system does not take is copied. */
  #writeTransient(bytes: Uint8Array): boolean {
    this.sent += bytes.length;
    const taken = this.#send(bytes);
    if (taken === bytes.length) return true;
    if (taken < 0) this.#noteReset();
    else this.#enqueue(bytes.slice(taken), 0);
    return false;
  }

  /** A write found that the peer is gone. The system says so once: what the runtime reads after it looks like an orderly end. */
  #noteReset(): void {
    this.#broken ??= Object.assign(new Error("the peer reset the connection"), { code: "ECONNRESET" });
    this.#queue = undefined;
    this.#queued = 0;
  }

  #enqueue(bytes: Uint8Array, from: number): void {
    const rest = from === 0 ? bytes : bytes.subarray(from);
    this.#queued += rest.length;
    if (this.#queue === undefined) this.#queue = [rest];
    else this.#queue.push(rest);
  }

  pause(): void {
    if (!this.closed) this.#socket.pause();
  }

  resume(): void {
    if (!this.closed) this.#socket.resume();
  }

  end(): void {
    if (this.closed || this.#writing !== OPEN) return;
    this.#writing = ENDING;
    if (this.#queue === undefined) this.#shutdown();
  }

  /** Where the peer has ended too, closing says it all: the system sends what it holds, then FIN. */
  #shutdown(): void {
    this.#writing = ENDED;
    if (this.#peerEnded) this.#socket.end();
    else this.#socket.shutdown();
  }

  destroy(): void {
    if (this.closed) return;
    this.#destroyed = true;
    this.#socket.terminate();
  }

  onData(chunk: Uint8Array): void {
    this.received += chunk.length;
    this.receiver.data(chunk);
  }

  /** The runtime calls this now and then with nothing pending. */
  onDrain(): void {
    const queue = this.#queue;
    if (queue === undefined) return;
    while (queue.length > 0) {
      const head = queue[0]!;
      const taken = this.#send(head);
      if (taken < 0) {
        this.#noteReset();
        break;
      }
      this.#queued -= taken;
      if (taken < head.length) {
        queue[0] = head.subarray(taken);
        return;
      }
      queue.shift();
    }
    this.#queue = undefined;
    if (this.#writing === ENDING) this.#shutdown();
    else this.receiver.drain();
  }

  onEnd(): void {
    if (this.#broken !== undefined) {
      this.destroy();
      return;
    }
    this.#peerEnded = true;
    this.receiver.end();
  }

  onClose(error: Error | undefined): void {
    if (this.closed) return;
    const broken = error ?? this.#broken;
    // Where our direction ended first, the runtime tells the peer's end by the close alone.
    if (broken === undefined && !this.#peerEnded && !this.#destroyed) this.onEnd();
    this.#queue = undefined;
    this.finish(broken);
  }
}

/** The descriptor of an open socket; its type lists do not name it. */
function descriptor(socket: Socket<NativeConn>): number {
  return (socket as unknown as { fd?: number }).fd ?? -1;
}

function tcpAddress(ip: string | undefined, port: number | undefined): SocketAddress {
  if (ip === undefined || ip === "" || port === undefined) return { path: "" };
  return { ip: ip.startsWith("::ffff:") && ip.includes(".") ? ip.slice(7) : ip, port };
}

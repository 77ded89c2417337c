/** `Conn` over node:net sockets, where the runtime's own cannot serve: a dial that must be given up before it is open. */
import type { Socket } from "node:net";
import { type Conn, type ConnEvents, type SocketAddress } from "./conn.ts";
import { Held } from "./held.ts";
import { Probed, type KeepAlive } from "./keep-alive.ts";

export class NodeConn extends Probed implements Conn {
  readonly tls = undefined;
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  received = 0;
  sent = 0;
  closed = false;
  readonly #socket: Socket;
  #events: ConnEvents = new Held(this);
  #error: Error | undefined;

  /** `socket` is connected, has no listeners that matter, and was made with `allowHalfOpen`. */
  constructor(socket: Socket, keepAlive: KeepAlive) {
    super(keepAlive);
    this.#socket = socket;
    this.remote = { ip: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
    this.local = { ip: socket.localAddress ?? "", port: socket.localPort ?? 0 };
    socket.setNoDelay(true);
    socket.on("data", (chunk: Uint8Array) => {
      this.received += chunk.length;
      this.#events.data(chunk);
    });
    socket.on("drain", () => this.#events.drain());
    socket.on("end", () => this.#events.end());
    socket.on("error", (error: Error) => (this.#error = error));
    socket.on("close", () => {
      this.closed = true;
      this.gone();
      this.#events.close(this.#error);
    });
  }

  override probeAfter(seconds: number): void {
    this.#socket.setKeepAlive(true, seconds * 1000);
  }

  get buffered(): number {
    return this.#socket.writableLength;
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
    if (!this.closed) this.#socket.resetAndDestroy();
  }
}

/** `Conn` over node:net sockets, where the runtime's own cannot serve: a dial that must be given up before it is open. */
import type { Socket } from "node:net";
import { BaseConn } from "./base-conn.ts";
import type { Conn, SocketAddress } from "./conn.ts";
import type { KeepAlive } from "./keep-alive.ts";

export class NodeConn extends BaseConn implements Conn {
  readonly tls = undefined;
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  readonly #socket: Socket;

  /** `socket` is connected, has no listeners that matter, and was made with `allowHalfOpen`. */
  constructor(socket: Socket, keepAlive: KeepAlive) {
    super(keepAlive);
    this.#socket = socket;
    this.remote = { ip: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
    this.local = { ip: socket.localAddress ?? "", port: socket.localPort ?? 0 };
    socket.setNoDelay(true);
    socket.on("data", (chunk: Uint8Array) => {
      this.received += chunk.length;
      this.receiver.data(chunk);
    });
    let failure: Error | undefined;
    socket.on("drain", () => this.receiver.drain());
    socket.on("end", () => this.receiver.end());
    socket.on("error", (error: Error) => (failure = error));
    socket.on("close", () => this.finish(failure));
  }

  override probeAfter(seconds: number): void {
    this.#socket.setKeepAlive(true, seconds * 1000);
  }

  get buffered(): number {
    return this.#socket.writableLength;
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

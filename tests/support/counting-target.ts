/** A target in the test's own process that counts what reaches it: connections and bytes. It sends everything back. */
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import type { Scene } from "./scene.ts";

export class CountingTarget {
  /** Connections that were accepted; of a TLS target also those whose handshake failed. */
  connections = 0;
  /** Bytes above TLS. */
  bytes = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(server: Server, event: "connection" | "secureConnection") {
    this.#server = server;
    server.on("connection", (socket: Socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.#sockets.delete(socket));
    });
    server.on(event, (socket: Socket) => {
      socket.on("error", () => {});
      socket.on("data", (chunk: Buffer) => {
        this.bytes += chunk.length;
        socket.write(chunk);
      });
      socket.on("end", () => socket.end());
    });
    server.on("tlsClientError", () => {});
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** As `--target` takes it. */
  get text(): string {
    return `127.0.0.1:${this.port}`;
  }

  get open(): number {
    return this.#sockets.size;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** In the clear, or over TLS with `tls`; gone at the end of the scene. */
export async function countingTarget(scene: Scene, tls?: TlsOptions): Promise<CountingTarget> {
  const options = { allowHalfOpen: true };
  const server = tls === undefined ? createServer(options) : createTlsServer({ ...options, ...tls });
  const target = new CountingTarget(server, tls === undefined ? "connection" : "secureConnection");
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  scene.defer(() => target.close());
  return target;
}

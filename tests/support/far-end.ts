/** A listener in the test's own process whose sockets the test drives itself. Asserts nothing. */
import { createServer, type Server, type Socket } from "node:net";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

/** Sockets that are accepted in the test's own process, in order. */
export class FarEnd {
  accepted = 0;
  readonly #server: Server;
  readonly #arrived: Socket[] = [];
  readonly #open = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** On a port that the system picks, or at a path. */
  static async open(scene: Scene, path?: string, port = 0): Promise<FarEnd> {
    const server = createServer({ allowHalfOpen: true });
    const end = new FarEnd(server);
    server.on("connection", (socket: Socket) => {
      end.accepted++;
      end.#open.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => end.#open.delete(socket));
      end.#arrived.push(socket);
    });
    const place = path === undefined ? { port, host: "127.0.0.1" } : { path };
    await new Promise<void>((listening) => server.listen(place, listening));
    scene.defer(() => end.close());
    return end;
  }

  /** As `--target` takes it. */
  get text(): string {
    const address = this.#server.address();
    return typeof address === "string" ? `unix:${address}` : `127.0.0.1:${address!.port}`;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** What each connection is for from now on; those that arrived are left to `next`. */
  serve(handle: (socket: Socket) => void): void {
    this.#server.on("connection", handle);
  }

  /** The next one that nobody took yet. */
  next(): Promise<Socket> {
    return until("a connection at the far end", () => this.#arrived.shift());
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((closed) => this.#server.close(closed));
  }
}

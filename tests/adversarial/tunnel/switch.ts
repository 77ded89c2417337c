/** A TCP port that leads to other ports in turn, and an HTTPS proxy before it: what a tunnel's fixed target is in tests. Asserts nothing. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Certified } from "../../support/pki.ts";
import type { Scene } from "../../support/scene.ts";

export class Switch {
  connections = 0;
  #ports: readonly number[] = [];
  #next = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket: Socket) => {
      const port = this.#ports[this.#next++ % this.#ports.length]!;
      join(socket, connect({ port, host: "127.0.0.1", allowHalfOpen: true }));
      this.connections++;
    });
  }

  static async open(scene: Scene): Promise<Switch> {
    const server = createServer({ allowHalfOpen: true });
    await listen(scene, server);
    return new Switch(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The next connection leads to the first of `ports`. */
  lead(...ports: number[]): void {
    this.#ports = ports;
    this.#next = 0;
  }
}

/** A proxy that is spoken to over TLS, and takes each CONNECT to `to`; its port. */
export async function httpsProxy(scene: Scene, { cert, key }: Certified, to: Switch): Promise<number> {
  const server = createTlsServer({ cert, key, allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    socket.once("data", (request: Buffer) => {
      if (!request.toString().startsWith("CONNECT localhost:")) {
        socket.destroy();
        return;
      }
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      join(socket, connect({ port: to.port, host: "127.0.0.1", allowHalfOpen: true }));
    });
  });
  await listen(scene, server);
  return (server.address() as AddressInfo).port;
}

async function listen(scene: Scene, server: Server): Promise<void> {
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  scene.defer(() => server.close());
}

/** Both ways, with the end of each, and an abort of one for the other. */
function join(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on("error", () => to.destroy());
    from.on("close", () => to.destroySoon());
    from.pipe(to);
  }
}

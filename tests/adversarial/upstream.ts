/** Servers of TCP in the test's own process, to be connected to through a proxy. Asserts nothing. */
import { createServer, type Server, type Socket } from "node:net";

export interface Upstream {
  port: number;
  server: Server;
  /** Whose connections came, in order. */
  sockets: Socket[];
}

/** On a free port of 127.0.0.1; each side ends for itself. */
export async function listen(accept: (socket: Socket) => void): Promise<Upstream> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket.on("error", () => {}));
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as { port: number }).port, server, sockets };
}

/** Sends back what comes, and ends behind it. */
export function listenEcho(): Promise<Upstream> {
  return listen((socket) => socket.pipe(socket));
}

/** Connections that live for one exchange: a server that answers a little and ends, and a client that says all it has at once. */
import type { Scene } from "./scene.ts";

/** Listens on 127.0.0.1, greets, and ends once its client has sent something or ended; the port. */
export function openEchoOnce(scene: Scene): number {
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    allowHalfOpen: true,
    socket: {
      open: (socket) => void socket.write("hello\n"),
      data() {},
      end: (socket) => void socket.end(),
    },
  });
  scene.defer(() => server.stop(true));
  return server.port;
}

/** Sends `bytes` to 127.0.0.1, ends its direction, and waits for the other's end; what came until then. */
export function bytesUntilEnd(port: number, bytes: Uint8Array): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  const options = { hostname: "127.0.0.1", port, allowHalfOpen: true };
  Bun.connect({
    ...options,
    socket: {
      open(socket) {
        socket.write(bytes);
        socket.shutdown();
      },
      data: (_, chunk) => void chunks.push(Buffer.from(chunk)),
      end: (socket) => void socket.end(),
      close: () => resolve(Buffer.concat(chunks)),
    },
  }).catch(reject);
  return promise;
}

/** A TCP port that leads to a UNIX socket, for browsers, which know none. Asserts nothing. */
import { connect, createServer, type AddressInfo } from "node:net";
import type { Scene } from "./scene.ts";

/** The port, of 127.0.0.1. */
export async function openUnixFront(scene: Scene, path: string): Promise<number> {
  const server = createServer((client) => {
    const inner = connect(path);
    for (const [from, to] of [
      [client, inner],
      [inner, client],
    ] as const) {
      from.pipe(to);
      from.on("error", () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scene.defer(() => void server.close());
  return (server.address() as AddressInfo).port;
}

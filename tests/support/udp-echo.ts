/** A target for datagrams in the test's own process: counts what reaches it and sends it back. */
import type { RemoteInfo, Socket } from "node:dgram";
import type { Scene } from "./scene.ts";
import { udpSocket } from "./udp-socket.ts";

export class UdpEcho {
  /** What came, as text, in order. */
  readonly received: string[] = [];
  /** Where it came from. */
  readonly sources: RemoteInfo[] = [];
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("message", (message, from) => {
      this.received.push(message.toString());
      this.sources.push(from);
      socket.send(message, from.port, from.address);
    });
  }

  get port(): number {
    return this.socket.address().port;
  }
}

/** Gone at the end of the scene, or of whatever else defers. */
export async function udpEcho(scene: Pick<Scene, "defer">, host = "127.0.0.1"): Promise<UdpEcho> {
  const socket = await udpSocket(host);
  scene.defer(() => socket.close());
  return new UdpEcho(socket);
}

/** A UDP socket of the test's own process. */
import { createSocket, type Socket } from "node:dgram";
import { isIP } from "node:net";

/** Bound to `port`, or to one of the system's choice. That a peer has gone (ICMP, ECONNREFUSED) is no error to it: it talks to many. */
export async function udpSocket(ip = "127.0.0.1", port = 0): Promise<Socket> {
  const socket = createSocket(isIP(ip) === 6 ? "udp6" : "udp4");
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, ip, () => {
      socket.off("error", reject);
      socket.on("error", () => {});
      resolve();
    });
  });
  return socket;
}

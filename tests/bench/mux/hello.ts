/** ClientHellos of a real client, for load that is told apart by them. Measures nothing. */
import { createServer } from "node:net";
import { once } from "node:events";
import { connect } from "node:tls";

/** What the runtime's own client says first when it asks for `serverName`, in base64; with its post-quantum key share. */
export async function captureHello(serverName: string): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: "127.0.0.1", servername: serverName, ALPNProtocols: ["h2", "http/1.1"] });
  client.on("error", () => {});
  try {
    const [socket] = await once(server, "connection");
    let bytes = Buffer.alloc(0);
    for await (const chunk of socket) {
      bytes = Buffer.concat([bytes, chunk as Buffer]);
      if (bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt16BE(3)) return bytes.toString("base64");
    }
    throw new Error("the client left before its hello was whole");
  } finally {
    client.destroy();
    server.close();
  }
}

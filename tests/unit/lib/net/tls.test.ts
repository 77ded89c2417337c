/** TLS over connections, many at a time: old clients are served before new ones. Single handshakes are tls-conn.test.ts. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { Conn } from "../../../../lib/net/conn.ts";
import { KeepAlive } from "../../../../lib/net/keep-alive.ts";
import { openListener } from "../../../../lib/net/listen.ts";
import { secure } from "../../../../lib/net/tls.ts";
import { createContext } from "../../../../lib/net/tls-context.ts";
import { needing } from "../../../support/needs.ts";
import { authority } from "../../../support/pki.ts";
import { handshakeOptions, NOTHING, until } from "./support.ts";

setDefaultTimeout(60_000);

const CLIENTS = 40;
/** Handshakes that begin in one turn of the loop: which of them is answered first is chance. */
const TOGETHER = 2;

/** A ClientHello of the runtime's, as bytes. */
function hello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const wire = new Duplex({ read() {}, write: (bytes: Buffer) => resolve(bytes) });
    connectTls({ socket: wire, servername: "localhost", rejectUnauthorized: false }).on("error", () => {});
  });
}

needing("many clients shake hands at once", ["openssl"], () => {
  // The answer to the hello is what is looked at: when a handshake is over depends on the client as well.
  test("those that came first are answered first", async () => {
    const { cert, key } = authority().issue();
    const context = createContext({ material: { cert, key } });
    const options = handshakeOptions({ context, requestCert: false, verify: false });
    const accepted: Conn[] = [];
    const accept = (conn: Conn) => {
      conn.pause();
      accepted.push(conn);
    };
    const where = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
    const listener = await openListener(where, {}, { keepAlive: new KeepAlive(0), accept, layered: true });
    const { port } = listener.address as { port: number };
    const asked = await hello();
    const answered: number[] = [];
    const clients: Socket[] = [];
    for (let i = 0; i < CLIENTS; i++) {
      const client = connect(port, "127.0.0.1").on("error", () => {});
      client.once("data", () => answered.push(i)).write(asked);
      clients.push(client);
      // One after the other, so that they are accepted in order.
      await until(() => accepted.length === i + 1, `client ${i}`);
    }
    const outcomes = accepted.map((conn) => {
      conn.resume();
      return secure(conn, NOTHING, true, options);
    });
    await until(() => answered.length === CLIENTS, `all answers: ${answered.join(" ")}`);
    const ahead = answered.filter((client, place) => Math.abs(client - place) >= TOGETHER);
    expect({ answered, ahead }).toEqual({ answered, ahead: [] });
    for (const client of clients) client.destroy();
    await Promise.all(outcomes);
    listener.close();
  });
});

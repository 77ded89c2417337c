/** The way through the proxies that people run: dante, microsocks, squid and tinyproxy, with and without credentials. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createServer } from "node:net";
import type { Conn } from "../../lib/net/conn.ts";
import { Deadlines } from "../../lib/net/deadlines.ts";
import { parseProxyUrl, throughProxy } from "../../lib/net/through-proxy.ts";
import { startListening } from "../support/listening.ts";
import { leaveOut, missing } from "../support/needs.ts";
import { OUTBOUND_PROXIES, type OutboundProxy } from "../support/outbound-proxies.ts";
import { install } from "../support/peer-programs.ts";
import { Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import { freePort } from "../support/free-port.ts";
import { dial, Notes } from "../unit/lib/net/support.ts";

setDefaultTimeout(60_000);

const NEEDS = missing(["danted", "microsocks", "squid", "tinyproxy"]);
const scene = new Scene();
afterAll(() => scene.close());

/** Says hello at once, and repeats what it is told. */
async function openTarget(): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    socket.write("hello ");
    socket.pipe(socket);
  });
  scene.defer(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as { port: number }).port;
}

const connect = (port: number): Promise<Conn> => dial([{ ip: "127.0.0.1", port }], 20_000);

if (NEEDS.length > 0) leaveOut("the way through the proxies that people run", NEEDS);
else {
  describe.each(Object.entries<OutboundProxy>(OUTBOUND_PROXIES))("%s", (_, peer) => {
    const { scheme, user } = peer;
    const port = freePort();
    let targetPort = 0;

    beforeAll(async () => {
      targetPort = await openTarget();
      await startListening(scene, port, install(scene, peer.program(port, scene.folder)));
    });

    const through = async (credentials: string | undefined, host: string, to: number) => {
      const text = `${scheme}://${credentials === undefined ? "" : `${credentials}@`}127.0.0.1:${port}`;
      const conn = await connect(port);
      return throughProxy(conn, parseProxyUrl(text, "--proxy"), { host, port: to }, new Deadlines(30_000));
    };

    test.each(["127.0.0.1", "localhost"])("leads to %s, and loses nothing of what is said first", async (host) => {
      const { conn, early } = await through(user, host, targetPort);
      const notes = new Notes();
      conn.attach(notes);
      conn.write(Buffer.from("world"));
      const said = () => Buffer.from(early.bytes).toString() + notes.text;
      await until("the answer", () => said() === "hello world");
      conn.end();
      await until("the end", () => notes.ended);
    });

    test("says why not", async () => {
      const error = await through(user, "127.0.0.1", 1).catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        message: expect.stringMatching(/the proxy did not connect: .*|HTTP status [45]\d\d/),
      });
    });

    if (user !== undefined) {
      test.each([undefined, "ann:wrong"])("does not take %p for credentials", async (credentials) => {
        const error = await through(credentials, "127.0.0.1", targetPort).catch((reason: unknown) => reason);
        expect(error).toMatchObject({ code: "proxy_credentials" });
      });
    }
  });
}

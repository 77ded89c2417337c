/** The way through the proxies that people run: dante, microsocks, squid and tinyproxy, with and without credentials. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createServer } from "node:net";
import type { Conn } from "../../lib/net/conn.ts";
import { Deadlines } from "../../lib/net/deadlines.ts";
import { parseProxyUrl, throughProxy } from "../../lib/net/through-proxy.ts";
import { leaveOut, missing } from "../support/needs.ts";
import { start } from "../support/program.ts";
import { Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import { freePort } from "../support/web.ts";
import { dial, Notes } from "../unit/lib/net/support.ts";

setDefaultTimeout(60_000);

const NEEDS = missing(["danted", "microsocks", "squid", "tinyproxy"]);
const scene = new Scene();
afterAll(() => scene.close());

const lines = (...list: string[]) => `${list.join("\n")}\n`;

/** Command lines of the proxies on a port, by the scheme and credentials of their URL; each lets nobody to port 1. */
const PROXIES: Record<string, { scheme: string; user?: string; command: (port: number) => string[] }> = {
  microsocks: { scheme: "socks5", command: (port) => ["microsocks", "-i", "127.0.0.1", "-p", String(port)] },
  "microsocks with a user": {
    scheme: "socks5h",
    user: "ann:p%40ss%3Aw",
    command: (port) => ["microsocks", "-u", "ann", "-P", "p@ss:w", "-i", "127.0.0.1", "-p", String(port)],
  },
  dante: {
    scheme: "socks5",
    command(port) {
      const config = lines(
        "logoutput: /dev/null",
        `internal: 127.0.0.1 port = ${port}`,
        "external: lo",
        "clientmethod: none",
        "socksmethod: none",
        "user.privileged: root",
        "user.unprivileged: nobody",
        "client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }",
        "socks block { from: 0.0.0.0/0 to: 0.0.0.0/0 port = 1 }",
        "socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 command: connect }",
      );
      return ["danted", "-N", "1", "-f", scene.write("danted.conf", config), "-p", scene.path("danted.pid")];
    },
  },
  tinyproxy: {
    scheme: "http",
    command(port) {
      const config = lines(`Port ${port}`, "Listen 127.0.0.1", "LogLevel Critical");
      return ["tinyproxy", "-d", "-c", scene.write("tinyproxy.conf", config)];
    },
  },
  "tinyproxy with a user": {
    scheme: "http",
    user: "ann:s%65cret",
    command(port) {
      const config = lines(`Port ${port}`, "Listen 127.0.0.1", "LogLevel Critical", "BasicAuth ann secret");
      return ["tinyproxy", "-d", "-c", scene.write("tinyproxy-user.conf", config)];
    },
  },
  squid: {
    scheme: "http",
    command(port) {
      const config = lines(
        `http_port 127.0.0.1:${port}`,
        "acl forbidden port 1",
        "http_access deny forbidden",
        "http_access allow all",
        "cache deny all",
        "cache_mem 0",
        "access_log none",
        "cache_log /dev/null",
        "cache_store_log none",
        "pid_filename none",
        "pinger_enable off",
        "shutdown_lifetime 0 seconds",
        "dns_nameservers 127.0.0.1",
        "dns_timeout 1 second",
      );
      return ["squid", "-N", "-f", scene.write("squid.conf", config)];
    },
  },
};

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
  describe.each(Object.entries(PROXIES))("%s", (_, { scheme, user, command }) => {
    const port = freePort();
    let targetPort = 0;

    beforeAll(async () => {
      targetPort = await openTarget();
      const program = start(scene, command(port));
      // Some fork; told to stop, they take their children with them.
      scene.defer(async () => {
        program.signal("SIGTERM");
        await program.ended;
      });
      await until(`a listener on port ${port}`, () =>
        connect(port).then(
          (conn) => (conn.destroy(), true),
          () => false,
        ),
      );
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

/** TLS over a connection: a client judges the chain of a server by its proof that the key is there, and what is destroyed is gone. Names are the caller's. */
import { afterAll, describe, expect, test } from "bun:test";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { Conn } from "../../../../lib/net/conn.ts";
import { Deadlines } from "../../../../lib/net/deadlines.ts";
import { Dialer } from "../../../../lib/net/dial.ts";
import { KeepAlive } from "../../../../lib/net/keep-alive.ts";
import { createContext } from "../../../../lib/net/tls-context.ts";
import { TlsFailure } from "../../../../lib/net/tls-failure.ts";
import { secure } from "../../../../lib/net/tls.ts";
import { authority, selfSigned, type Certified } from "../../../support/pki.ts";

const ca = authority();
const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;
type Version = (typeof VERSIONS)[number];

const opened: Server[] = [];
afterAll(() => opened.forEach((server) => server.close()));

interface Served {
  port: number;
  /** The name that the last client sent. */
  name: string | false | undefined;
}

async function serve({ cert, key }: Certified, version: Version): Promise<Served> {
  const served: Served = { port: 0, name: undefined };
  const server = createTlsServer({ cert, key, minVersion: version, maxVersion: version }, (socket) => {
    served.name = (socket as TLSSocket & { servername: string | false }).servername;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => socket.write(chunk));
  });
  server.on("tlsClientError", () => {});
  served.port = await listen(server);
  return served;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  opened.push(server);
  return (server.address() as AddressInfo).port;
}

/** The connection that TLS comes to, or why there is none. */
async function dial(port: number, verify: boolean, serverName?: string): Promise<Conn | TlsFailure> {
  const keepAlive = new KeepAlive(60);
  const conn = await new Dialer(10_000, keepAlive).open([{ ip: "127.0.0.1", port }]);
  if (conn instanceof Error) throw conn;
  const context = createContext({ ca: [ca.cert] });
  const deadlines = new Deadlines(10_000);
  const options = { context, requestCert: true, verify, protocolIds: [], serverName, deadlines, keepAlive };
  return secure(conn, { bytes: new Uint8Array(0), ended: false }, false, options);
}

/** What comes back over the connection, or the reason of the failure. */
async function outcome(tried: Promise<Conn | TlsFailure>): Promise<string> {
  const conn = await tried;
  if (conn instanceof TlsFailure) return conn.reason;
  return new Promise((resolve) => {
    conn.attach({
      data: (chunk) => resolve(Buffer.from(chunk).toString()),
      drain() {},
      end() {},
      close: () => resolve("closed"),
    });
    conn.write(Buffer.from("echo"));
  }).finally(() => conn.destroy()) as Promise<string>;
}

describe.each(VERSIONS)("%s", (version) => {
  const NAMES: [string, Certified][] = [
    ["for the name", ca.issue()],
    ["for another name", ca.issue({ san: ["DNS:other.example"] })],
    ["for another name, which is the CN", ca.issue({ cn: "other.example", san: [] })],
    ["for no name", ca.issue({ cn: "", san: ["URI:spiffe://example/x"] })],
  ];
  test.each(NAMES)("a chain that is fine, %s, is no failure: with a name and without", async (_, identity) => {
    const { port } = await serve(identity, version);
    for (const name of ["localhost", undefined]) expect(await outcome(dial(port, true, name))).toBe("echo");
  });

  const CHAINS: [string, Certified, string][] = [
    ["of another authority", authority("Others").issue(), "unknown_ca"],
    ["of another authority, for another name", authority("Others").issue({ san: ["DNS:other.example"] }), "unknown_ca"],
    ["signed by itself, for another name", selfSigned({ cn: "x", san: [] }), "unknown_ca"],
    ["expired, for another name", ca.issue({ from: -9, to: -1, san: ["DNS:other.example"] }), "expired"],
    ["for clients, and another name", ca.issue({ eku: "clientAuth", san: ["DNS:other.example"] }), "wrong_purpose"],
  ];
  test.each(CHAINS)("a chain that is not, %s, is one, unless nobody asked", async (_, identity, reason) => {
    const { port } = await serve(identity, version);
    for (const name of ["localhost", undefined]) {
      expect(await outcome(dial(port, true, name))).toBe(reason);
      expect(await outcome(dial(port, false, name))).toBe("echo");
    }
  });

  test("the name is sent, and no address in its place (RFC 6066 section 3)", async () => {
    const served = await serve(ca.issue(), version);
    expect(await outcome(dial(served.port, true, "localhost"))).toBe("echo");
    expect(served.name).toBe("localhost");
    expect(await outcome(dial(served.port, true))).toBe("echo");
    expect(served.name).toBe(false);
  });
});

/** ServerHelloDone (RFC 5246 section 7.4.5). Before it is the signature with which a server of TLS 1.2 proves its key. */
const HELLO_DONE = Buffer.from("0e000000", "hex");

test("a certificate whose key the server does not prove is a failure, also where nobody asked for the chain", async () => {
  const { port } = await serve(selfSigned({ cn: "x", san: [] }), "TLSv1.2");
  const relay = createServer((client: Socket) => {
    const server = connect(port, "127.0.0.1").on("error", () => {});
    client.on("error", () => {}).pipe(server);
    server.on("data", (chunk: Buffer) => {
      const done = chunk.lastIndexOf(HELLO_DONE);
      // Past the record's header, into the signature.
      if (done > 0) chunk[done - 12]! ^= 1;
      client.write(chunk);
    });
  });
  const between = await listen(relay);
  expect(await outcome(dial(between, false, "localhost"))).toBe("tls_protocol");
  expect(await outcome(dial(between, true, "localhost"))).toBe("tls_protocol");
  expect(await outcome(dial(port, false, "localhost"))).toBe("echo");
});

test("a connection that is destroyed in its handshake is gone for the peer, and the handshake has failed", async () => {
  const gone = Promise.withResolvers<string | undefined>();
  const port = await listen(
    createServer((peer) => void peer.on("error", ({ code }: Error & { code?: string }) => gone.resolve(code)).resume()),
  );
  const keepAlive = new KeepAlive(0);
  const conn = await new Dialer(10_000, keepAlive).open([{ ip: "127.0.0.1", port }]);
  if (conn instanceof Error) throw conn;
  const options = { requestCert: true, verify: true, protocolIds: [], deadlines: new Deadlines(10_000), keepAlive };
  const nothing = { bytes: new Uint8Array(0), ended: false };
  const failed = secure(conn, nothing, false, { context: createContext({ ca: [ca.cert] }), ...options });
  await Bun.sleep(20);
  conn.destroy();
  expect(await failed).toMatchObject({ reason: "handshake_closed" });
  expect(await gone.promise).toBe("ECONNRESET");
});

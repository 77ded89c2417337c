/** Two hundred reloads of both sides of a tunnel under fifty busy connections: what changes at once, and what does not change at all. */
import { X509Certificate } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { connect as connectTls, rootCertificates } from "node:tls";
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { countingTarget, type CountingTarget } from "../../support/counting-target.ts";
import { needing } from "../../support/needs.ts";
import { authority, type Certified } from "../../support/pki.ts";
import { FORMS, Portail } from "../../support/portail.ts";
import { Scene } from "../../support/scene.ts";
import type { RunningTunnel } from "../../support/tunnel-scene.ts";
import { until } from "../../support/until.ts";
import { Busy } from "./busy.ts";
import { VERSIONS, type TlsVersion } from "./server-stage.ts";

setDefaultTimeout(180_000);

const RELOADS = 200;
const EACH_WAY = 25;
/** What the resident memory may grow between the fortieth and the last reload; one leaked trust bundle is over 1 MB. */
const FLAT = 64 * 1024 * 1024;

const servers = authority("Servers");
const clients = authority("Clients");
const serverPairs = [servers.issue({ cn: "server-0" }), servers.issue({ cn: "server-1" })] as const;
const clientPairs = [clients.issue({ cn: "client-0", san: [] }), clients.issue({ cn: "client-1", san: [] })] as const;
const alice = clients.issue({ cn: "alice", san: [] });
/** As many as a system has. */
const ROOTS = rootCertificates.join("\n");

const SIGNALS = ["SIGHUP", "SIGUSR1"] as const;

needing("a tunnel that is reloaded under load", ["openssl"], () => {
  const scene = new Scene();
  let target: CountingTarget;
  let server: RunningTunnel;
  let client: RunningTunnel;
  let busy: Busy[] = [];
  const files = {
    serverTrust: scene.path("clients.pem"),
    crl: scene.path("clients.crl"),
    cert: scene.path("server-cert.pem"),
    key: scene.path("server-key.pem"),
    keystore: scene.path("client.pem"),
  };
  const useServer = ({ chain, key }: Pick<Certified, "chain" | "key">) => {
    writeFileSync(files.cert, chain);
    writeFileSync(files.key, key);
  };
  const useClient = ({ chain, key }: Certified) => writeFileSync(files.keystore, key + chain);

  beforeAll(async () => {
    target = await countingTarget(scene);
    useServer(serverPairs[0]);
    useClient(clientPairs[0]);
    writeFileSync(files.serverTrust, clients.cert + ROOTS);
    writeFileSync(files.crl, clients.crl());
    const portail = new Portail(FORMS[0]!, scene);
    const { serverTrust, crl, cert, key } = files;
    server = await portail.tunnel({
      side: "server",
      target: target.text,
      args: ["--cert", cert, "--key", key, "--cacert", serverTrust, "--crl", crl, "--allow-all"],
    });
    client = await portail.tunnel({
      side: "client",
      target: `localhost:${server.port}`,
      args: ["--keystore", files.keystore, "--cacert", scene.write("servers.pem", servers.cert)],
    });
  });
  afterAll(() => scene.close());

  /** A connection over TLS to the server, by a client of ours. */
  const direct = (version?: TlsVersion, session?: Buffer) =>
    connectTls({
      port: server.port,
      host: "127.0.0.1",
      servername: "localhost",
      cert: alice.cert,
      key: alice.key,
      rejectUnauthorized: false,
      ...(session && { session }),
      ...(version && { minVersion: version, maxVersion: version }),
    });

  /** The serial number that a new handshake with the server shows. */
  const shown = () =>
    new Promise<string>((resolve, reject) => {
      const socket = direct();
      socket.on("error", reject);
      socket.on("secureConnect", () => {
        resolve(socket.getPeerX509Certificate()!.serialNumber);
        socket.end();
      });
    });

  /** The common name that the server records of a new connection through the client. */
  const told = async () => {
    const from = server.sessions().length;
    const socket = connect(client.port, "127.0.0.1", () => socket.end("x")).resume();
    await new Promise((resolve) => socket.on("close", resolve));
    const isIt = ({ sent, certificate }: { sent: number; certificate?: { subject: string } }) =>
      sent === 1 && certificate?.subject.startsWith("CN=client-");
    const line = await until("its record", () => server.sessions().slice(from).find(isIt));
    return line.certificate?.subject;
  };

  const reload = (nth: number) => {
    const signal = SIGNALS[nth % 2]!;
    return Promise.all([server.reload(signal), client.reload(signal)]);
  };

  /** The session of a new connection that is let through. */
  const begin = (version: TlsVersion) =>
    new Promise<Buffer>((resolve, reject) => {
      const socket = direct(version);
      socket.on("error", reject);
      socket.on("secureConnect", () => socket.write("x"));
      socket.on("session", resolve);
      socket.on("data", () => socket.end());
    });

  /** What is new in force at once: handshakes are refused, in full and resumed; what is open goes on. */
  const expectShut = async (reason: string, change: () => void) => {
    const sessions = await Promise.all(VERSIONS.map(begin));
    change();
    expect(await server.reload()).toMatchObject({ outcome: "done" });
    for (const [i, version] of VERSIONS.entries()) {
      for (const session of [undefined, sessions[i]!]) {
        const reached = target.connections;
        server.audit.forget();
        const socket = direct(version, session);
        let got = 0;
        socket.on("error", () => {});
        socket.on("data", (chunk: Buffer) => (got += chunk.length));
        socket.on("secureConnect", () => socket.write("let me through"));
        await new Promise((resolve) => socket.on("close", resolve));
        expect(await server.session()).toMatchObject({ decision: "deny", reason });
        expect([got, target.connections]).toEqual([0, reached]);
      }
    }
    await expectBusy();
  };

  const expectBusy = async () => {
    const rounds = busy.map((one) => one.rounds);
    await until("every connection to go on", () => busy.every((one, i) => one.rounds > rounds[i]! + 1));
    expect(busy.flatMap(({ failure }) => failure ?? [])).toEqual([]);
  };

  test("fifty connections are under way", async () => {
    const sockets = Array.from({ length: EACH_WAY }, () => [direct(), connect(client.port, "127.0.0.1")]).flat();
    await Promise.all(
      sockets.map(
        (socket, i) => new Promise((resolve) => socket.once(i % 2 === 0 ? "secureConnect" : "connect", resolve)),
      ),
    );
    busy = sockets.map((socket, i) => new Busy(socket, i + 1));
    await expectBusy();
  });

  test(`${RELOADS} reloads: new handshakes have what is new, broken files change nothing, nothing is lost`, async () => {
    let [ours, theirs]: Certified[] = [serverPairs[0], clientPairs[0]];
    let early = [0, 0];
    for (let nth = 1; nth <= RELOADS; nth++) {
      const [nextServer, nextClient] = [serverPairs[nth % 2]!, clientPairs[nth % 2]!];
      useServer(nextServer);
      useClient(nextClient);
      writeFileSync(files.serverTrust, clients.cert + ROOTS);
      writeFileSync(files.crl, clients.crl());
      const broken = BROKEN[nth % 20]?.(
        files,
        [nextServer, serverPairs[(nth + 1) % 2]!],
        [nextClient, clientPairs[(nth + 1) % 2]!],
      );

      const lines = [server.log().length, client.log().length];
      const events = await reload(nth);
      for (const [i, tunnel] of [server, client].entries()) {
        const kept = broken?.[i] === true;
        expect([nth, i, events[i]!.outcome]).toEqual([nth, i, kept ? "kept" : "done"]);
        const told = await until("its line in the log", () => {
          const since = tunnel.log().slice(lines[i]);
          const reloads = since.filter(({ message }) => message.includes("reload"));
          return reloads.length > 0 && reloads;
        });
        expect(told.map(({ level }) => level)).toEqual([kept ? "error" : "info"]);
        if (kept) expect(told[0]!.message).toContain(events[i]!.error!);
      }
      if (broken?.[0] !== true) ours = nextServer;
      if (broken?.[1] !== true) theirs = nextClient;
      expect([nth, await shown()]).toEqual([nth, new X509Certificate(ours!.cert).serialNumber]);
      if (broken !== undefined || nth % 10 === 0)
        expect([nth, await told()]).toEqual([nth, `CN=client-${clientPairs.indexOf(theirs as never)}`]);
      if (nth === RELOADS / 5) early = [await server.resident(), await client.resident()];
    }
    await expectBusy();
    const late = [await server.resident(), await client.resident()];
    for (const i of [0, 1]) expect(late[i]! - early[i]!).toBeLessThan(FLAT);
  });

  test("a certificate that is revoked has no new connection from then on, and keeps those that it has", async () => {
    await expectShut("revoked", () => writeFileSync(files.crl, clients.crl({ revoked: [alice] })));
    writeFileSync(files.crl, clients.crl());
    expect(await server.reload()).toMatchObject({ outcome: "done" });
  });

  test("neither has one of an authority that is removed", async () => {
    await expectShut("unknown_ca", () => writeFileSync(files.serverTrust, ROOTS));
  });

  test("all bytes of the fifty came back, and were counted", async () => {
    server.audit.forget();
    client.audit.forget();
    await Promise.all(busy.map((one) => one.stop()));
    expect(busy.flatMap(({ failure }) => failure ?? [])).toEqual([]);
    const bytes = busy.map((one) => one.bytes).sort((a, b) => a - b);
    for (const [tunnel, count] of [
      [server, busy.length],
      [client, busy.length / 2],
    ] as const) {
      await until("their records", () => tunnel.sessions().length >= count);
      expect(new Set(tunnel.sessions().map(({ decision }) => decision))).toEqual(new Set(["allow"]));
      const counted = tunnel.sessions().flatMap(({ sent, received }) => [sent, received]);
      expect(counted).toHaveLength(2 * count);
      if (tunnel === server) expect(counted.sort((a, b) => a - b)).toEqual(bytes.flatMap((each) => [each, each]));
    }
  });
});

needing("a tunnel that reloads by the clock", ["openssl"], () => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test("--timed-reload: what is new comes into force without a signal, what is broken does not", async () => {
    const path = scene.path("server.pem");
    const use = ({ key, chain }: Certified) => writeFileSync(path, key + chain);
    use(serverPairs[0]);
    const tunnel = await new Portail(FORMS[0]!, scene).tunnel({
      side: "server",
      target: (await countingTarget(scene)).text,
      args: ["--keystore", path, "--disable-authentication", "--timed-reload", "50ms"],
    });
    const shown = () =>
      new Promise<string>((resolve, reject) => {
        const socket = connectTls({ port: tunnel.port, host: "127.0.0.1", rejectUnauthorized: false });
        socket.on("error", reject);
        socket.on("secureConnect", () => {
          resolve(socket.getPeerX509Certificate()!.subject);
          socket.end();
        });
      });
    expect(await shown()).toBe("CN=server-0");
    use(serverPairs[1]);
    await until("the new certificate", async () => (await shown()) === "CN=server-1");
    tunnel.audit.forget();
    writeFileSync(path, serverPairs[0].key);
    await tunnel.audit.record("reload", ({ outcome }) => outcome === "kept");
    expect(await shown()).toBe("CN=server-1");
    use(serverPairs[0]);
    await until("the newest certificate", async () => (await shown()) === "CN=server-0");
  });
});

type Pair = readonly [Certified, Certified];
type Files = Record<"serverTrust" | "crl" | "cert" | "key" | "keystore", string>;

/** What breaks files at the reloads of that number modulo twenty; whether the server's, and the client's, are. */
const BROKEN: Record<number, (files: Files, server: Pair, client: Pair) => [boolean, boolean]> = {
  // Written by halves.
  3: ({ cert, keystore }, [server], [client]) => {
    writeFileSync(cert, server.chain.slice(0, server.chain.length / 2));
    writeFileSync(keystore, (client.key + client.chain).slice(0, client.key.length + 100));
    return [true, true];
  },
  // One file of the pair is there, the other not yet.
  7: ({ key, keystore }, [, other], [client, otherClient]) => {
    writeFileSync(key, other.key);
    writeFileSync(keystore, otherClient.key + client.chain);
    return [true, true];
  },
  11: ({ cert, keystore }) => {
    rmSync(cert);
    writeFileSync(keystore, "");
    return [true, true];
  },
  15: ({ crl }) => {
    writeFileSync(crl, "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
    return [true, false];
  },
  19: ({ serverTrust }) => {
    writeFileSync(serverTrust, "");
    return [true, false];
  },
};

/** Servers to which `tunnel client` must give nothing since they speak no TLS, an old one, or one without a certificate; and names that it takes. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { needing } from "../../support/needs.ts";
import { authority, pinOf, selfSigned, type Certified } from "../../support/pki.ts";
import { Scene } from "../../support/scene.ts";
import { opensslServer, pythonServer, runtimeServer, type TlsServer } from "../../support/tls-servers.ts";
import { until } from "../../support/until.ts";
import { createPrng } from "../prng.ts";
import { ClientStage, proxied } from "./client-stage.ts";
import { expectRefusals, WORD } from "./refusal.ts";

setDefaultTimeout(60_000);

const ca = authority("Servers");
const good = ca.issue({ cn: "db", san: ["DNS:localhost", "DNS:db.example"] });
/** Neither the chain nor the name nor the time are right. */
const pinned = selfSigned({ cn: "pinned", san: ["DNS:pinned.example"], from: -9, to: -1 });
const { seed, bytes } = createPrng();

/** What a server does once the tunnel has sent its ClientHello. */
const RAW: [name: string, answer: (socket: Socket, hello: Buffer) => void, reason: string][] = [
  ["SSH", (socket) => socket.write("SSH-2.0-OpenSSH_9.2\r\n"), "not_tls"],
  ["HTTP", (socket) => socket.write("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n"), "not_tls"],
  ["an echo", (socket, hello) => socket.write(hello), "tls_protocol"],
  [`garbage (PORTAIL_SEED=${seed})`, (socket) => socket.write(Buffer.concat([Buffer.of(0xff), bytes(600)])), "not_tls"],
  ["a fatal alert", (socket) => socket.write(Buffer.from("15030300020228", "hex")), "tls_alert"],
  ["half a record, and the end", (socket) => socket.end(Buffer.from("160303007a0200", "hex")), "handshake_closed"],
  ["the end", (socket) => socket.end(), "handshake_closed"],
  ["a reset", (socket) => socket.resetAndDestroy(), "handshake_closed"],
];

needing("what is no TLS with a tunnel client", ["openssl", "python3"], () => {
  const scene = new Scene();
  let stage: ClientStage;
  let after: TlsServer;
  beforeAll(async () => {
    stage = await ClientStage.open(
      scene,
      { ca: { cacert: [scene.write("ca.pem", ca.cert)] } },
      {
        plain: { trust: "ca" },
        pin: { trust: "ca", "verify-spki-pin": [pinOf(good)] },
        "other pin": { trust: "ca", "verify-spki-pin": [pinOf(pinned)] },
        "cn as name": { trust: "ca", "unsafe-cn-as-name": true },
        override: { trust: "ca", "override-server-name": "DB.example." },
        "override address": { trust: "ca", "override-server-name": "192.0.2.7" },
      },
    );
    after = await runtimeServer(scene, stage.credential(good), "TLSv1.3");
  });
  afterAll(() => scene.close());

  /** All of `servers` are refused, straight and through the proxy. */
  const refuses = async (tunnel: string, servers: TlsServer[], reason: string) => {
    for (const way of [tunnel, proxied(tunnel)])
      await expectRefusals({
        ...stage.watched([...servers, after]),
        bad: stage.attempts(way, servers),
        good: stage.attempts(way, [after]),
        reason,
      });
  };

  test.each(RAW)("%s", async (_, answer, reason) => {
    await refuses("plain", [await rawServer(scene, answer), await rawServer(scene, answer)], reason);
  });

  test("TLS 1.1", async () => {
    const credential = stage.credential(good);
    const servers = [
      await opensslServer(scene, credential, "TLSv1.1", WORD),
      await pythonServer(stage.python, credential, "TLSv1.1"),
      await runtimeServer(scene, credential, "TLSv1.1"),
    ];
    await refuses("plain", servers, "tls_version");
    await refuses("pin", servers, "tls_version");
  });

  test("no certificate: anonymous suites are not offered, with a pin and without", async () => {
    const servers = [await opensslServer(scene, undefined, "TLSv1.2", WORD)];
    await refuses("plain", servers, "tls_alert");
    await refuses("pin", servers, "tls_alert");
  });

  test("TLS 1.2: a server that refuses our certificate", async () => {
    const ask = scene.write("ask.pem", authority("Whom the server trusts").cert);
    const port = await stage.python.serve(stage.credential(good), "TLSv1.2", ask);
    await refuses("plain", [{ port, bytes: () => stage.python.count(port) }], "tls_alert");
  });

  test("TLS 1.3: a server that refuses our certificate after our handshake; it is told in log and record", async () => {
    const ask = scene.write("ask.pem", authority("Whom the server trusts").cert);
    const port = await stage.python.serve(stage.credential(good), "TLSv1.3", ask);
    for (const way of ["plain", proxied("plain")]) {
      stage.switch.lead(port);
      const [before, lines] = [stage.client.sessions().length, stage.client.log().length];
      expect(await stage.attempt(way)).toBe("");
      const line = await until("the record", () => stage.client.sessions()[before]);
      const error = expect.stringContaining("ALERT_UNKNOWN_CA") as string;
      expect(line).toMatchObject({ decision: "allow", reason: "upstream", received: 0, error });
      const log = await until("the log", () => {
        const since = stage.client.log().slice(lines);
        return since.length >= 3 && since;
      });
      expect(log.map(({ level, message }) => [level, message.split(":")[0]])).toEqual([
        ["info", "opening pipe"],
        ["warn", "error during copy"],
        ["info", "closed pipe"],
      ]);
      expect(await stage.python.count(port)).toBe(0);
    }
  });

  const NAMES: [name: string, tunnel: string, server: Certified][] = [
    ["the host's", "plain", ca.issue({ cn: "other", san: ["DNS:LOCALHOST"] })],
    ["the CN, where that may be", "cn as name", ca.issue({ cn: "localhost", san: [] })],
    ["an alternative one, where the CN may be one", "cn as name", ca.issue({ cn: "other" })],
    ["the one that is asked for", "override", ca.issue({ cn: "other", san: ["DNS:db.example"] })],
    ["one that a wildcard stands for", "override", ca.issue({ cn: "other", san: ["DNS:*.example"] })],
    ["the address that is asked for", "override address", ca.issue({ cn: "other", san: ["IP:192.0.2.7"] })],
    ["another, under a pin", "other pin", pinned],
  ];
  test.each(NAMES)("%s is taken as the name", async (_, tunnel, server) => {
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const { port } = await runtimeServer(scene, stage.credential(server), version);
      for (const way of [tunnel, proxied(tunnel)]) {
        stage.switch.lead(port);
        const before = stage.client.sessions().length;
        expect(await stage.attempt(way)).toBe(WORD);
        const line = await until("the record", () => stage.client.sessions()[before]);
        expect(line).toMatchObject({ decision: "allow", tls: { version }, sent: WORD.length, received: WORD.length });
      }
    }
  });
});

async function rawServer(scene: Scene, answer: (socket: Socket, hello: Buffer) => void): Promise<TlsServer> {
  let above = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      above += chunk.includes(WORD) ? WORD.length : 0;
      answer(socket, chunk);
    });
    socket.on("end", () => socket.end());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  scene.defer(() => server.close());
  return { port: (server.address() as AddressInfo).port, bytes: () => above };
}

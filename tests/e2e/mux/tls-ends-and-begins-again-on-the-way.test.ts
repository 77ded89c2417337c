/** TLS ends at a route and begins anew with its target: certificates on either side, PROXY v2, failover. */
import { expect, test } from "bun:test";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { curl } from "../../support/curl.ts";
import { freePort } from "../../support/free-port.ts";
import { RunningMux } from "../../support/mux-scene.ts";
import { authority, save, selfSigned } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import { openWeb } from "../../support/web.ts";

scenario(import.meta.file, ["curl", "openssl"], ({ scene, portail }) => {
  const ca = authority();
  const cacert = scene.write("ca.pem", ca.cert);
  const own = save(scene, "own", ca.issue({ cn: "mux", san: ["DNS:a.example", "DNS:b.example", "DNS:c.example"] }));
  const flags = ["--cert", own.cert, "--key", own.key];

  /** A TLS server that wants a certificate, answers one request, and tells what it saw. */
  async function openTarget(behindProxy: boolean) {
    const { chain, key } = ca.issue({ cn: "target", san: ["DNS:target.example"] });
    const seen: { cn?: string | undefined; protocolId?: string | false | null; serverName?: unknown; header?: string } =
      {};
    const server = createTlsServer(
      { cert: chain, key, ca: ca.cert, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ["http/1.1", "x"] },
      (socket: TLSSocket) => {
        seen.cn = (socket.getPeerCertificate().subject as { CN?: string } | undefined)?.CN;
        seen.protocolId = socket.alpnProtocol;
        seen.serverName = (socket as unknown as { servername: unknown }).servername;
        socket.on("error", () => {});
        socket.once("data", () =>
          socket.end("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n"),
        );
      },
    );
    const front = createTcpServer((socket) => {
      socket.on("error", () => {});
      if (!behindProxy) {
        server.emit("connection", socket);
        return;
      }
      socket.once("data", (chunk: Buffer) => {
        socket.pause();
        const length = 16 + chunk.readUInt16BE(14);
        seen.header = chunk.subarray(0, length).toString("hex");
        if (chunk.length > length) socket.unshift(chunk.subarray(length));
        server.emit("connection", socket);
      });
    });
    await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
    scene.defer(() => void front.close());
    return { port: (front.address() as AddressInfo).port, seen };
  }

  const ask = (mux: RunningMux, name: string) =>
    curl([
      "--http1.1",
      "--cacert",
      cacert,
      "--connect-to",
      `${name}:443:127.0.0.1:${mux.port}`,
      `https://${name}/hello`,
    ]);

  test("a target that wants a certificate gets it, the client's protocol id, and a PROXY header ahead of TLS", async () => {
    const [plain, proxied] = [await openTarget(false), await openTarget(true)];
    const target = {
      terminate: true,
      "target-tls": true,
      "target-identity": "us",
      "target-trust": "them",
      "target-server-name": "target.example",
    };
    const us = save(scene, "us", ca.issue({ cn: "us", san: [] }));
    const mux = await RunningMux.open(
      scene,
      portail,
      {
        identities: { us: { cert: us.cert, key: us.key } },
        trusts: { them: { cacert } },
        routes: [
          { ...target, name: "a", "server-name": "a.example", alpn: ["http/1.1"], target: `127.0.0.1:${plain.port}` },
          {
            ...target,
            name: "b",
            "server-name": "b.example",
            "proxy-protocol-mode": "tls",
            target: `127.0.0.1:${proxied.port}`,
          },
        ],
      },
      flags,
    );
    expect((await ask(mux, "a.example")).stdout).toBe("hello\n");
    expect(plain.seen).toMatchObject({ cn: "us", protocolId: "http/1.1", serverName: "target.example" });
    expect((await ask(mux, "b.example")).stdout).toBe("hello\n");
    expect(proxied.seen.cn).toBe("us");
    expect(proxied.seen.header).toStartWith("0d0a0d0a000d0a515549540a2111");
    expect(proxied.seen.header).toContain(Buffer.from("b.example").toString("hex"));
    expect(await mux.stop()).toBe(0);
  });

  test("a target that is not who it should be is not spoken to; the next one is", async () => {
    const web = openWeb(scene);
    const target = await openTarget(false);
    const stranger = save(scene, "stranger", selfSigned({ cn: "us" }));
    const tls = { terminate: true, "target-tls": true, "target-identity": "us", "target-trust": "them" };
    const mux = await RunningMux.open(
      scene,
      portail,
      {
        identities: { us: { cert: stranger.cert, key: stranger.key } },
        trusts: { them: { cacert } },
        routes: [
          { ...tls, name: "a", "server-name": "a.example", target: `localhost:${target.port}` },
          {
            name: "b",
            "server-name": "b.example",
            terminate: true,
            target: [`127.0.0.1:${freePort()}`, `127.0.0.1:${web.port}`],
          },
        ],
      },
      flags,
    );
    expect((await ask(mux, "a.example")).status).not.toBe(0);
    expect(await mux.session()).toMatchObject({
      route: "a",
      decision: "deny",
      reason: "name_mismatch",
      upstream: { subject: "CN=target" },
    });
    expect((await ask(mux, "b.example")).stdout).toBe("hello from the web\n");
    expect(await mux.session(({ route }) => route === "b")).toMatchObject({ target: `127.0.0.1:${web.port}` });
    expect(await mux.stop()).toBe(0);
  });
});

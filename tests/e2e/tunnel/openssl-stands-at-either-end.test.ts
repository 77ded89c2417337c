/** `openssl s_client` comes to the server and the client goes to `openssl s_server`: all kinds of keys, both versions, all forms of identities. */
import { beforeAll, describe, expect, test } from "bun:test";
import { countingTarget } from "../../support/counting-target.ts";
import {
  CASES,
  exchange,
  interopScenario,
  SERVER_NAME,
  type Case,
  type InteropFiles,
  type InteropStage,
} from "../../support/interop.ts";
import { start, type Program } from "../../support/program.ts";
import type { Scene } from "../../support/scene.ts";
import type { RunningTunnel } from "../../support/tunnel-scene.ts";

const FLAG = { "TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3" } as const;
/** What openssl calls signatures of such keys. */
const SIGNATURE = { rsa: "RSA-PSS", p256: "ECDSA", p384: "ECDSA", ed25519: "ed25519" } as const;

interopScenario(import.meta.file, ["openssl"], "p256", tell);

function tell({ scene, portail, files }: InteropStage, cases: readonly Case[]): void {
  describe("s_client, then the server", () => {
    let server: RunningTunnel;
    beforeAll(async () => {
      const target = await countingTarget(scene);
      const config = files.config("server", ({ key }) => ({
        listen: "127.0.0.1:0",
        target: target.text,
        "allow-cn": `client-${key}`,
        alpn: ["postgresql", "h2"],
      }));
      server = await portail.tunnel({ side: "server", args: ["--config", config], env: files.env });
    });

    test.each(cases)("$name", async (of) => {
      const { key, version } = of;
      const me = files.of("client", key);
      const where = [
        "-connect",
        `127.0.0.1:${server.portOf(CASES.indexOf(of))}`,
        FLAG[version],
        "-alpn",
        "h2,http/1.1",
      ];
      const identity = ["-cert", me.cert, "-key", me.key, "-CAfile", files.cacert, "-verify_return_error"];
      const name = ["-servername", SERVER_NAME, "-verify_hostname", SERVER_NAME];
      const client = start(scene, ["openssl", "s_client", ...where, ...identity, ...name], { feed: true });
      await client.write("hello\n");
      // With TLS 1.3 it stands amid what is printed of a session.
      await client.output("stdout", /hello$/m);
      await client.endInput();
      expect(await client.ended).toBe(0);
      expect(client.stdout).toContain(`subject=CN = server-${key}\n`);
      expect(client.stdout).toContain(`Peer signature type: ${SIGNATURE[key]}\n`);
      expect(client.stdout).toContain("Verify return code: 0 (ok)\n");
      expect(client.stdout).toContain(`Verified peername: ${SERVER_NAME}\n`);
      expect(client.stdout).toMatch(new RegExp(`^New, ${version}, Cipher is \\S*(GCM|CHACHA20)`, "m"));
      expect(client.stdout).toContain("ALPN protocol: h2\n");
      expect(await server.session(({ tunnel }) => tunnel === of.name)).toMatchObject({
        decision: "allow",
        certificate: { subject: `CN=client-${key}` },
        tls: { version, protocolId: "h2", serverName: SERVER_NAME, resumed: false },
        sent: 6,
        received: 6,
      });
    });
  });

  describe("the client, then s_server", () => {
    const servers = new Map<Case, Program>();
    let client: RunningTunnel;
    beforeAll(async () => {
      for (const of of cases) servers.set(of, startServer(scene, files, of));
      const ports = new Map<Case, string>();
      for (const [of, server] of servers) ports.set(of, (await server.output("stdout", /^ACCEPT \S+:(\d+)$/m))[1]!);
      const config = files.config("client", (of) => ({
        listen: "127.0.0.1:0",
        target: `127.0.0.1:${ports.get(of) ?? 9}`,
        "override-server-name": SERVER_NAME,
        "verify-cn": `server-${of.key}`,
        alpn: ["postgresql", "h2"],
      }));
      client = await portail.tunnel({ side: "client", args: ["--config", config], env: files.env });
    });

    test.each(cases)("$name", async (of) => {
      const { key, version } = of;
      const server = servers.get(of)!;
      const answer = exchange({ port: client.portOf(CASES.indexOf(of)) }, "hello\n");
      await server.output("stdout", /^hello$/m);
      await server.write("world\n");
      expect(await answer).toBe("world\n");
      expect(server.stdout).toContain(`subject=CN = client-${key}\n`);
      expect(server.stdout).toContain(`Peer signature type: ${SIGNATURE[key]}\n`);
      expect(server.stdout).toMatch(/^CIPHER is \S*(GCM|CHACHA20)/m);
      if (version === "TLSv1.2") expect(server.stdout).toContain(`Hostname in TLS extension: "${SERVER_NAME}"`);
      else expect(server.stdout).toContain("ALPN protocols advertised by the client: postgresql, h2\n");
      expect(await client.session(({ tunnel }) => tunnel === of.name)).toMatchObject({
        decision: "allow",
        upstream: { subject: `CN=server-${key}` },
        tls: { version, ...(version === "TLSv1.3" && { protocolId: "h2" }) },
        sent: 6,
        received: 6,
      });
    });
  });
}

/** It shows the name only with a second certificate, and negotiates no protocol id then: one of them in each version. */
function startServer(scene: Scene, files: InteropFiles, { key, version }: Case): Program {
  const own = files.of("server", key);
  const more =
    version === "TLSv1.2"
      ? ["-servername", SERVER_NAME, "-cert2", own.cert, "-key2", own.key]
      : ["-alpn", "h2,http/1.1"];
  const identity = [
    "-cert",
    own.cert,
    "-key",
    own.key,
    "-CAfile",
    files.cacert,
    "-Verify",
    "2",
    "-verify_return_error",
  ];
  return start(scene, ["openssl", "s_server", "-accept", "127.0.0.1:0", FLAG[version], ...identity, ...more], {
    feed: true,
  });
}

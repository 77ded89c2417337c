/** HAProxy comes to the server as a TLS client, and the client goes to its TLS frontends, with curl before them: all kinds of keys, both versions. */
import { existsSync } from "node:fs";
import { beforeAll, describe, expect, test } from "bun:test";
import { curl } from "../../support/curl.ts";
import { CASES, interopScenario, SERVER_NAME, type Case, type InteropStage } from "../../support/interop.ts";
import { haproxy, install } from "../../support/peer-programs.ts";
import { start } from "../../support/program.ts";
import type { Scene } from "../../support/scene.ts";
import type { RunningTunnel } from "../../support/tunnel-scene.ts";
import { until } from "../../support/until.ts";
import { openWeb, type Web } from "../../support/web.ts";

interopScenario(import.meta.file, ["openssl", "haproxy", "curl"], "p384", tell);

const HTTP = "http/1.1";
/** What OpenSSL calls keys of certificates. */
const KEY_ALGORITHM = {
  rsa: "rsaEncryption",
  p256: "id-ecPublicKey",
  p384: "id-ecPublicKey",
  ed25519: "ED25519",
} as const;

function tell({ scene, portail, files }: InteropStage, cases: readonly Case[]): void {
  const versions = ({ version }: Case) => `ssl-min-ver ${version} ssl-max-ver ${version}`;

  describe("HAProxy, then the server", () => {
    let server: RunningTunnel;
    let web: Web;
    const socket = (of: Case) => scene.path(`in-${CASES.indexOf(of)}.sock`);

    beforeAll(async () => {
      web = openWeb(scene);
      const config = files.config("server", ({ key }) => ({
        listen: "127.0.0.1:0",
        target: `127.0.0.1:${web.port}`,
        "allow-cn": `client-${key}`,
        alpn: ["postgresql", HTTP],
      }));
      server = await portail.tunnel({ side: "server", args: ["--config", config], env: files.env });
      await startHaproxy(
        scene,
        "client",
        cases.map((of) => {
          const verify = `verify required ca-file ${files.cacert} sni str(${SERVER_NAME}) verifyhost ${SERVER_NAME}`;
          const tls = `ssl crt ${files.of("client", of.key).keystore} ${verify} ${versions(of)} alpn h3x,${HTTP}`;
          return [
            `listen ${of.name}`,
            `  bind unix@${socket(of)}`,
            '  http-response set-header seen "%[ssl_bc_protocol] %[ssl_bc_cipher] %[ssl_bc_alpn]"',
            `  server portail 127.0.0.1:${server.portOf(CASES.indexOf(of))} ${tls}`,
          ];
        }),
        cases.map(socket),
      );
    });

    test.each(cases)("$name", async (of) => {
      const { stdout } = await curl(["--include", "--unix-socket", socket(of), "http://localhost/hello"]);
      expect(stdout).toStartWith("HTTP/1.1 200");
      expect(stdout).toEndWith("\r\n\r\nhello from the web\n");
      const cipher = of.version === "TLSv1.3" ? "TLS_AES_256_GCM_SHA384" : "ECDHE-(?:RSA|ECDSA)-AES128-GCM-SHA256";
      expect(stdout).toMatch(new RegExp(`^seen: ${of.version} ${cipher} ${HTTP}\r$`, "m"));
      expect(await server.session(({ tunnel }) => tunnel === of.name)).toMatchObject({
        decision: "allow",
        certificate: { subject: `CN=client-${of.key}` },
        tls: { version: of.version, serverName: SERVER_NAME, protocolId: HTTP },
      });
    });
  });

  describe("curl, then the client, then HAProxy", () => {
    let client: RunningTunnel;
    const socket = (of: Case) => scene.path(`out-${CASES.indexOf(of)}.sock`);

    beforeAll(async () => {
      await startHaproxy(
        scene,
        "server",
        cases.map((of) => {
          const own = `crt ${files.of("server", of.key).keystore} ca-file ${files.cacert} verify required`;
          const seen =
            "%[ssl_fc_protocol] %[ssl_fc_sni] %[ssl_fc_alpn] %[ssl_c_s_dn(CN)] %[ssl_c_key_alg] %[ssl_c_verify]";
          return [
            `frontend ${of.name}`,
            `  bind unix@${socket(of)} ssl ${own} ${versions(of)} alpn ${HTTP}`,
            `  http-request return status 200 content-type text/plain lf-string "${seen}"`,
          ];
        }),
        cases.map(socket),
      );
      const config = files.config("client", (of) => ({
        listen: "127.0.0.1:0",
        target: `unix:${socket(of)}`,
        "override-server-name": SERVER_NAME,
        "verify-cn": `server-${of.key}`,
        alpn: ["postgresql", HTTP],
      }));
      client = await portail.tunnel({ side: "client", args: ["--config", config], env: files.env });
    });

    test.each(cases)("$name", async (of) => {
      const { stdout } = await curl([`http://127.0.0.1:${client.portOf(CASES.indexOf(of))}/`]);
      expect(stdout).toBe(`${of.version} ${SERVER_NAME} ${HTTP} client-${of.key} ${KEY_ALGORITHM[of.key]} 0`);
      expect(await client.session(({ tunnel }) => tunnel === of.name)).toMatchObject({
        decision: "allow",
        upstream: { subject: `CN=server-${of.key}` },
        tls: { version: of.version, protocolId: HTTP },
      });
    });
  });
}

/** With these sections; it takes no port 0, and so listens on `sockets`. */
async function startHaproxy(scene: Scene, name: string, sections: string[][], sockets: string[]): Promise<void> {
  const lines = ["  option httpclose", ...sections.flat()];
  const program = start(scene, install(scene, haproxy(scene.folder, lines, { name, mode: "http" })));
  await until(
    () => `haproxy to listen: ${program.stderr}`,
    () => sockets.every((path) => existsSync(path)),
  );
}

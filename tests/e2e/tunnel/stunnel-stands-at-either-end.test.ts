/** stunnel in client mode comes to the server, and the client goes to stunnel: all kinds of keys, both versions, PEM and PKCS#12 on its side too. */
import { beforeAll, describe, expect, test } from "bun:test";
import { countingTarget, type CountingTarget } from "../../support/counting-target.ts";
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
import { until } from "../../support/until.ts";

interopScenario(import.meta.file, ["openssl", "stunnel4"], "rsa", tell);

function tell({ scene, portail, files }: InteropStage, cases: readonly Case[]): void {
  let target: CountingTarget;
  beforeAll(async () => void (target = await countingTarget(scene)));

  describe("stunnel, then the server", () => {
    let server: RunningTunnel;
    let stunnel: Program;
    const socket = (of: Case) => scene.path(`${CASES.indexOf(of)}.sock`);

    beforeAll(async () => {
      const config = files.config("server", ({ key }) => ({
        listen: "127.0.0.1:0",
        target: target.text,
        "allow-cn": `client-${key}`,
      }));
      server = await portail.tunnel({ side: "server", args: ["--config", config], env: files.env });
      const services = cases.flatMap((of) => [
        ...service(files, "client", of),
        "client = yes",
        `accept = ${socket(of)}`,
        `connect = 127.0.0.1:${server.portOf(CASES.indexOf(of))}`,
        `sni = ${SERVER_NAME}`,
        `checkHost = ${SERVER_NAME}`,
      ]);
      stunnel = startStunnel(scene, "client.conf", services);
      await stunnel.output("stderr", /Accepting new connections/);
    });

    test.each(cases)("$name", async (of) => {
      const from = stunnel.stderr.length;
      expect(await exchange({ path: socket(of) }, "hello")).toBe("hello");
      expect(await server.session(({ tunnel }) => tunnel === of.name)).toMatchObject({
        decision: "allow",
        certificate: { subject: `CN=client-${of.key}` },
        tls: { version: of.version, serverName: SERVER_NAME },
        sent: 5,
        received: 5,
      });
      await connected(stunnel, from, of, "server");
      expect(stunnel.stderr.slice(from)).toContain(`Host name "${SERVER_NAME}" matched with "${SERVER_NAME}"`);
    });
  });

  describe("the client, then stunnel", () => {
    let client: RunningTunnel;
    let stunnel: Program;

    beforeAll(async () => {
      const services = cases.flatMap((of) => [
        ...service(files, "server", of),
        "accept = 127.0.0.1:0",
        "requireCert = yes",
        // Only who asks for the name comes through.
        `connect = ${scene.path("nobody")}`,
        ...service(files, "server", { ...of, name: `${of.name}-named` }),
        `sni = ${of.name}:${SERVER_NAME}`,
        "requireCert = yes",
        `connect = ${target.text}`,
      ]);
      stunnel = startStunnel(scene, "server.conf", services);
      await stunnel.output("stderr", /Accepting new connections/);
      const port = (of: Case) =>
        new RegExp(`Service \\[${of.name}\\] .* bound to \\S+:(\\d+)`).exec(stunnel.stderr)?.[1] ?? "9";
      const config = files.config("client", (of) => ({
        listen: "127.0.0.1:0",
        target: `127.0.0.1:${port(of)}`,
        "override-server-name": SERVER_NAME,
        "verify-cn": `server-${of.key}`,
      }));
      client = await portail.tunnel({ side: "client", args: ["--config", config], env: files.env });
    });

    test.each(cases)("$name", async (of) => {
      const from = stunnel.stderr.length;
      expect(await exchange({ port: client.portOf(CASES.indexOf(of)) }, "hello")).toBe("hello");
      expect(await client.session(({ tunnel }) => tunnel === of.name)).toMatchObject({
        decision: "allow",
        upstream: { subject: `CN=server-${of.key}` },
        tls: { version: of.version },
        sent: 5,
        received: 5,
      });
      await connected(stunnel, from, of, "client");
    });
  });
}

/** Its identity in another form than ours; both versions are the case's. */
function service(files: InteropFiles, role: "client" | "server", { name, key, version, form }: Case): string[] {
  const { keystore, pkcs12 } = files.of(role, key);
  return [
    `[${name}]`,
    `cert = ${form === "pkcs12" ? keystore : pkcs12}`,
    `CAfile = ${files.cacert}`,
    "verifyChain = yes",
    `sslVersionMin = ${version}`,
    `sslVersionMax = ${version}`,
  ];
}

/** Waits until stunnel has said, behind `from`, in which version it speaks with whom. */
function connected(stunnel: Program, from: number, { key, version }: Case, role: "client" | "server"): Promise<true> {
  const said = [`Certificate accepted at depth=0: CN=${role}-${key}\n`, `: ${version} ciphersuite: `];
  return until(
    () => `${said.join(" and ")} in ${stunnel.stderr.slice(from)}`,
    () => said.every((words) => stunnel.stderr.slice(from).includes(words)),
  );
}

function startStunnel(scene: Scene, name: string, services: readonly string[]): Program {
  const lines = ["foreground = yes", "debug = info", "pid =", ...services, ""];
  return start(scene, ["stunnel4", scene.write(name, lines.join("\n"))]);
}

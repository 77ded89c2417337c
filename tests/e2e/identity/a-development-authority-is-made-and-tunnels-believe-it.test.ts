/** `portail identity init-dev`: what openssl says of its files, a pair of tunnels that use them, and that nothing is replaced. */
import { statSync } from "node:fs";
import { expect, test } from "bun:test";
import { countingTarget } from "../../support/counting-target.ts";
import { exchange } from "../../support/interop.ts";
import { openssl } from "../../support/pki.ts";
import { scenario, type Stage } from "../../support/scenario.ts";

const FILES = ["ca.pem", "ca.key", "server.pem", "server.key", "client.pem", "client.key"];

function tell({ scene, portail }: Stage): void {
  const file = (name: string) => scene.path(`dev/${name}`);

  test("six files are written, for their owner only", async () => {
    const { status, stdout, stderr } = await portail.run(["identity", "init-dev", "dev", "--name", "DNS:dev.example"]);
    expect([status, stdout]).toEqual([0, FILES.map((name) => `dev/${name}\n`).join("")]);
    expect(stderr).toContain("for development only");
    expect(FILES.map((name) => statSync(file(name)).mode & 0o777)).toEqual(FILES.map(() => 0o600));
  });

  test("openssl believes them, for what they are for, and reads that they are for development", () => {
    const verify = (purpose: string, name: string) =>
      openssl(["verify", "-x509_strict", "-purpose", purpose, "-CAfile", file("ca.pem"), file(name)]);
    expect(verify("sslserver", "server.pem")).toContain("server.pem: OK");
    expect(verify("sslclient", "client.pem")).toContain("client.pem: OK");
    expect(() => verify("sslclient", "server.pem")).toThrow("unsuitable certificate purpose");
    expect(() => verify("sslserver", "client.pem")).toThrow("unsuitable certificate purpose");
    for (const name of ["ca.pem", "server.pem", "client.pem"]) {
      const text = openssl(["x509", "-in", file(name), "-noout", "-text", "-checkend", String(29 * 86_400)]);
      expect(text).toContain("Subject: O = portail development only, CN = ");
      expect(text).toContain("Trust it nowhere else.");
      expect(text).toContain("Certificate will not expire");
    }
  });

  test("a pair of tunnels uses them", async () => {
    const target = await countingTarget(scene);
    const identity = (name: string) => ["--cert", file(`${name}.pem`), "--key", file(`${name}.key`)];
    const trust = ["--cacert", file("ca.pem")];
    const server = await portail.tunnel({
      side: "server",
      target: target.text,
      args: [...identity("server"), ...trust, "--allow-cn", "client"],
    });
    const client = await portail.tunnel({
      side: "client",
      target: `127.0.0.1:${server.port}`,
      args: [...identity("client"), ...trust, "--verify-dns-san", "dev.example"],
    });
    expect(await exchange({ port: client.port }, "hello")).toBe("hello");
  });

  test("what is there is not replaced", async () => {
    const before = await Bun.file(file("ca.key")).text();
    const { status, stderr } = await portail.run(["identity", "init-dev", "dev"]);
    expect([status, stderr]).toEqual([73, expect.stringContaining("[identity.exists]")]);
    expect(await Bun.file(file("ca.key")).text()).toBe(before);
  });
}

scenario(import.meta.file, ["openssl"], tell);

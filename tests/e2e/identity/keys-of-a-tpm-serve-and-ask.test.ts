/** Keys that are made in a TPM (swtpm, tpm2-pkcs11): a request each, a tunnel server and a client against openssl, and what the Debian package cannot do. */
import { beforeAll, expect, test } from "bun:test";
import { exchange } from "../../support/interop.ts";
import { countingTarget } from "../../support/counting-target.ts";
import { authority, openssl, save } from "../../support/pki.ts";
import { start } from "../../support/program.ts";
import { scenario, type Stage } from "../../support/scenario.ts";
import { PIN } from "../../support/softhsm.ts";
import { Tpm, TPM } from "../../support/tpm.ts";

const KEYS = [
  ["ecc256", "ECDSA"],
  ["ecc384", "ECDSA"],
  ["rsa2048", "RSA-PSS"],
] as const;
const VERSIONS = ["1_2", "1_3"] as const;
const CASES = KEYS.flatMap(([key, signature]) => VERSIONS.map((version) => [key, version, signature] as const));

const ca = authority("TPM CA");

function tell({ scene, portail }: Stage): void {
  const cacert = scene.write("ca.pem", ca.cert);
  const me = save(scene, "me", ca.issue({ cn: "me" }));
  const pin = scene.write("pin", `${PIN}\n`, 0o600);
  let tpm: Tpm;
  const uri = (key: string) => `pkcs11:token=tpm;object=${key}?module-path=${tpm.module}&pin-source=file:${pin}`;
  const identity = (key: string) => ["--cert", scene.path(`${key}.pem`), "--key", uri(key)];

  beforeAll(async () => {
    tpm = await Tpm.open(scene);
    const [issuer, issuerKey] = [scene.write("issuer.pem", ca.cert), scene.write("issuer.key", ca.key)];
    for (const [key] of KEYS) {
      await tpm.addKey(key);
      const args = ["--key", uri(key), "--subject", `CN=${key}`, "--san", "DNS:localhost"];
      const { stdout, stderr } = await portail.run(["identity", "csr", ...args], { env: tpm.env });
      expect([key, stderr]).toEqual([key, ""]);
      const csr = scene.write(`${key}.csr`, stdout);
      openssl(["req", "-verify", "-noout", "-in", csr]);
      const by = ["-CA", issuer, "-CAkey", issuerKey, "-days", "2", "-copy_extensions", "copy"];
      scene.write(`${key}.pem`, openssl(["x509", "-req", "-in", csr, ...by]));
    }
  }, 60_000);

  test.each(CASES)("a server with %s, by TLS %s", async (key, version, signature) => {
    const target = await countingTarget(scene);
    const max = `--max-tls-version=TLS${version.replace("_", ".")}`;
    const args = [...identity(key), "--cacert", cacert, "--allow-cn", "me", max];
    const tunnel = await portail.tunnel({ side: "server", target: target.text, args, env: tpm.env });
    const where = ["-connect", `127.0.0.1:${tunnel.port}`, `-tls${version}`, "-CAfile", cacert];
    const who = ["-cert", me.cert, "-key", me.key, "-verify_return_error", "-verify_hostname", "localhost"];
    const client = start(scene, ["openssl", "s_client", ...where, ...who], { feed: true });
    await client.write("hello\n");
    await client.output("stdout", /hello$/m);
    await client.endInput();
    expect(await client.ended).toBe(0);
    expect(client.stdout).toContain(`Peer signature type: ${signature}\n`);
    await tunnel.stop();
  });

  test.each(CASES)("a client with %s, by TLS %s", async (key, version, signature) => {
    const own = save(scene, "server", ca.issue({ cn: "server" }));
    const flags = ["-cert", own.cert, "-key", own.key, "-CAfile", cacert, "-Verify", "2", "-verify_return_error"];
    const server = start(scene, ["openssl", "s_server", "-accept", "127.0.0.1:0", `-tls${version}`, ...flags], {
      feed: true,
    });
    const [, port] = await server.output("stdout", /^ACCEPT \S+:(\d+)$/m);
    const args = [...identity(key), "--cacert", cacert];
    const tunnel = await portail.tunnel({ side: "client", target: `localhost:${port}`, args, env: tpm.env });
    const answer = exchange({ port: tunnel.port }, "hello\n");
    await server.output("stdout", /^hello$/m);
    await server.write("world\n");
    expect(await answer).toBe("world\n");
    expect(server.stdout).toContain(`subject=CN = ${key}\n`);
    expect(server.stdout).toContain(`Peer signature type: ${signature}\n`);
    await tunnel.stop();
  });

  test("the Debian package makes no Ed25519 keys, and says so", async () => {
    await expect(tpm.addKey("ed25519")).rejects.toThrow(
      "tpm2_ptool addkey: error: argument --algorithm: invalid choice: 'ed25519'",
    );
  });
}

scenario(import.meta.file, ["openssl", ...TPM], tell, ["binary"]);

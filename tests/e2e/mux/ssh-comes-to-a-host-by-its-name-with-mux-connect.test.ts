/** ssh with `mux connect` as its ProxyCommand: `%h` travels as the server name, to a real sshd behind a gate of HAProxy. */
import { beforeAll, expect, test } from "bun:test";
import { authority, save } from "../../support/pki.ts";
import { run, start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { openSshd, type Sshd } from "../../support/sshd.ts";
import { openGate } from "../../support/tls-gate.ts";
import { until } from "../../support/until.ts";
import { content, digest } from "../../support/web.ts";

const SIZE = 2 * 1024 * 1024;

scenario(import.meta.file, ["openssl", "haproxy", "ssh", "ssh-keygen", "sshd"], ({ scene, portail }) => {
  const ca = authority();
  const cacert = scene.write("ca.pem", ca.cert);
  const gate = save(scene, "gate", ca.issue({ cn: "gate", san: ["DNS:*.example"] }));
  const alice = save(scene, "alice", ca.issue({ cn: "alice", san: [] }));
  let sshd: Sshd;
  let port: number;

  beforeAll(async () => {
    sshd = await openSshd(scene);
    const route = { serverName: "db.example", protocolId: "ssh", target: `127.0.0.1:${sshd.port}` };
    port = await openGate(scene, [route], { keystore: gate.keystore, cacert });
  });

  const way = (...args: string[]) => {
    const words = ["mux", "connect", `127.0.0.1:${port}`, "--server-name", "%h", "--cacert", cacert];
    return ["-o", `ProxyCommand=${[...portail.command, ...words, ...args].join(" ")}`];
  };
  const withIdentity = ["--keystore", alice.keystore];
  const to = (host: string) => `${sshd.user}@${host}`;

  test("bytes, both ways, and the status of the far command", async () => {
    const bytes = content(SIZE);
    const command = ["ssh", ...sshd.flags, ...way("--alpn", "ssh", ...withIdentity), to("db.example")];
    const outcome = await run([...command, "sha256sum; exit 7"], { stdin: bytes });
    expect(outcome).toEqual({ status: 7, stdout: `${digest(bytes)}  -\n`, stderr: "" });
  });

  test("an agent that is forwarded", async () => {
    const socket = scene.path("agent.sock");
    start(scene, ["ssh-agent", "-D", "-a", socket]);
    const key = scene.path("forwarded");
    await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "forwarded", "-f", key]);
    const env = { SSH_AUTH_SOCK: socket };
    await until("the agent to take the key", async () => (await run(["ssh-add", key], { env })).status === 0);
    const command = ["ssh", "-A", ...sshd.flags, ...way("--alpn", "ssh", ...withIdentity), to("db.example")];
    const outcome = await run([...command, "ssh-add -L"], { env });
    expect(outcome).toEqual({ status: 0, stdout: await Bun.file(`${key}.pub`).text(), stderr: "" });
  });

  test.each([
    ["a name that the gate has no certificate for", "db.elsewhere", ["--alpn", "ssh"], "mux.server_name_mismatch"],
    ["a protocol id that it does not have", "db.example", ["--alpn", "h2,postgresql"], "mux.protocol_id_unconfirmed"],
  ])("%s is said", async (_, host, args, code) => {
    const outcome = await run(["ssh", ...sshd.flags, ...way(...args, ...withIdentity), to(host), "true"]);
    expect(outcome).toMatchObject({ status: 255, stdout: "" });
    expect(outcome.stderr).toContain(`[${code}]`);
  });

  test("without the client certificate nothing comes through", async () => {
    const outcome = await run(["ssh", ...sshd.flags, ...way("--alpn", "ssh"), to("db.example"), "true"]);
    expect(outcome).toMatchObject({ status: 255, stdout: "" });
    expect(outcome.stderr).toContain("tlsv1 alert certificate required reason=tls_alert");
  });

  test("a port without TLS is said", async () => {
    const outcome = await portail.run(["mux", "connect", `127.0.0.1:${sshd.port}`, "--cacert", cacert]);
    expect(outcome).toMatchObject({ status: 69, stdout: "" });
    expect(outcome.stderr).toContain("[mux.not_tls]");
  });
});

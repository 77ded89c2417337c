/** `mux exec -- kubectl`: it is told of a plain port, behind which a gate of HAProxy takes the client certificate. */
import { beforeAll, expect, test } from "bun:test";
import { authority, save } from "../../support/pki.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { openGate } from "../../support/tls-gate.ts";
import { openWeb, type Web } from "../../support/web.ts";

const VERSION = { major: "1", minor: "28", gitVersion: "v1.28.0", platform: "linux/amd64" };

scenario(import.meta.file, ["openssl", "haproxy", "kubectl"], ({ scene, portail }) => {
  const ca = authority();
  const cacert = scene.write("ca.pem", ca.cert);
  const gate = save(scene, "gate", ca.issue({ cn: "gate", san: ["DNS:kube.example"] }));
  const alice = save(scene, "alice", ca.issue({ cn: "alice", san: [] }));
  const env = { HOME: scene.mkdir("home"), KUBECONFIG: scene.path("none") };
  let web: Web;
  let port: number;

  beforeAll(async () => {
    web = openWeb(scene, (_, { pathname }) => (pathname === "/version" ? Response.json(VERSION) : undefined));
    const route = { serverName: "kube.example", protocolId: "http/1.1", target: `127.0.0.1:${web.port}` };
    port = await openGate(scene, [route], { keystore: gate.keystore, cacert });
  });

  const exec = (...words: string[]) => {
    const way = [`127.0.0.1:${port}`, "--server-name", "kube.example", "--alpn", "http/1.1", "--cacert", cacert];
    return run([...portail.command, "mux", "exec", ...way, "--keystore", alice.keystore, "--", ...words], { env });
  };

  test("by the argument that it is given", async () => {
    const outcome = await exec("kubectl", "version", "--output=json");
    expect(outcome.status).toBe(0);
    expect(JSON.parse(outcome.stdout)).toMatchObject({ serverVersion: VERSION });
    expect(web.requests.map(({ path }) => path)).toContain("/version");
  });

  test("and its status is the command's", async () => {
    expect(await exec("kubectl", "get", "--raw", "/nowhere")).toMatchObject({ status: 1, stdout: "" });
  });
});

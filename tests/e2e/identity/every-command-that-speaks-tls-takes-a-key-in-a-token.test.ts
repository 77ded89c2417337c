/** Keys in SoftHSM for the access proxy, the multiplexer and its client, and both sides of the storage proxy, against curl and nginx. Tunnels have files of their own. */
import { expect, test } from "bun:test";
import { curl } from "../../support/curl.ts";
import { curlAnswer } from "../../support/curl-answer.ts";
import { Dav } from "../../support/dav.ts";
import { RunningMux } from "../../support/mux-scene.ts";
import { authority, save } from "../../support/pki.ts";
import { scenario, type Stage } from "../../support/scenario.ts";
import { MODULE, PIN, SoftHsm, SOFTHSM } from "../../support/softhsm.ts";
import { StorageProxy } from "../../support/storage-proxy.ts";
import { mannered } from "../../support/token-modules.ts";
import { openWeb } from "../../support/web.ts";

const ca = authority();

function tell({ scene, portail }: Stage): void {
  const hsm = new SoftHsm(scene);
  const server = ca.issue({ cn: "server", san: ["DNS:localhost", "IP:127.0.0.1", "DNS:a.example"] });
  hsm.put(server, "server", "01");
  hsm.put(ca.issue({ cn: "client", key: "rsa", san: [] }), "client", "02");
  // It knows by itself where its tokens are.
  const module = mannered(scene, MODULE, { env: hsm.env });
  const pin = scene.write("pin", `${PIN}\n`, 0o600);
  const uri = (object: string) => `pkcs11:object=${object}?module-path=${module}&pin-source=file:${pin}`;
  const own = ["--keystore", uri("server")];
  /** The same by names of their own; the key is that of the certificate. */
  const named = {
    cert: save(scene, "server", server).cert,
    "pkcs11-module": module,
    "pkcs11-token-label": "portail test",
    "pkcs11-pin-file": pin,
  };
  const cacert = scene.write("ca.pem", ca.cert);
  const alice = save(scene, "alice", ca.issue({ cn: "alice" }));
  const hello = { status: 0, stdout: "hello from the web\n", stderr: "" };

  test("the access proxy", async () => {
    const web = openWeb(scene);
    const policy = `policy alice { when client.cn == "alice" and dest.ip in [127.0.0.0/8] and port == ${web.port} action allow }\n`;
    const flags = Object.entries(named).flatMap(([name, value]) => [`--${name}`, value]);
    const proxy = await portail.socks({ policy, args: [...flags, "--cacert", cacert] });
    const way = ["--proxy", `https://localhost:${proxy.port}`, "--proxy-cacert", cacert];
    const who = ["--proxy-cert", alice.cert, "--proxy-key", alice.key, "--proxytunnel"];
    expect(await curl([...way, ...who, `http://127.0.0.1:${web.port}/hello`])).toEqual(hello);
    expect(await proxy.record("decision")).toMatchObject({ policy: "alice", facts: { "client.cn": "alice" } });
  });

  test("the multiplexer, and its client", async () => {
    const web = openWeb(scene);
    const route = { name: "a", "server-name": "a.example", terminate: true, target: `127.0.0.1:${web.port}` };
    const trust = { "client-certificate": "required", "allow-all": true, alpn: ["http/1.1"] };
    const tables = { routes: [{ ...route, ...trust, identity: "own" }], identities: { own: named } };
    const mux = await RunningMux.open(scene, portail, tables, ["--cacert", cacert]);
    const where = ["--connect-to", `a.example:443:127.0.0.1:${mux.port}`, "https://a.example/hello"];
    const who = ["--cacert", cacert, "--cert", alice.cert, "--key", alice.key];
    expect(await curl(["--http1.1", ...who, ...where])).toEqual(hello);

    const server = [`127.0.0.1:${mux.port}`, "--server-name", "a.example", "--alpn", "http/1.1", "--cacert", cacert];
    const args = ["mux", "forward", "--listen", "127.0.0.1:0", ...server, "--keystore", uri("client")];
    const forward = portail.start(args);
    const [, port] = await forward.output("stderr", /127\.0\.0\.1:(\d+)/);
    expect(await curl([`http://127.0.0.1:${port}/hello`])).toEqual(hello);
    expect(await mux.session(({ certificate }) => certificate?.subject === "CN=client")).toBeDefined();
  });

  test("the storage proxy, in front and behind", async () => {
    const storage = save(scene, "storage", ca.issue({ cn: "storage" }));
    const asks = `ssl_client_certificate ${cacert}; ssl_verify_client on; add_header X-Client $ssl_client_s_dn always;`;
    const dav = await Dav.open(scene, { tls: storage, server: asks });
    dav.write("hello", Buffer.from("hello"));
    const upstream = ["--upstream-keystore", uri("client"), "--upstream-cacert", cacert];
    const acl = scene.write("s3.acl", 'policy alice { when client.cn == "alice" action allow }\n');
    const args = [...own, "--cacert", cacert, "--acl", acl, ...upstream];
    const proxy = await StorageProxy.open(scene, portail, { upstream: `https://localhost:${dav.port}/`, args });
    const who = ["--cacert", cacert, "--cert", alice.keystore];
    const answer = await curlAnswer(scene, proxy.url("/upstream/hello", "https"), who);
    expect([answer.status, answer.body.toString(), answer.fields.get("x-client")]).toEqual([200, "hello", "CN=client"]);
  });
}

scenario(import.meta.file, [...SOFTHSM, "g++", "curl", "nginx"], tell, ["binary"]);

/** TLS in front of the access proxy: curl by itself, SOCKS clients through stunnel and through our own tunnel, HAProxy ahead of it. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "bun:test";
import { curl } from "../../support/curl.ts";
import type { AccessProxy } from "../../support/access-proxy.ts";
import { haproxy, install } from "../../support/peer-programs.ts";
import { authority, save } from "../../support/pki.ts";
import { run, start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { freePort } from "../../support/free-port.ts";
import { openWeb, type Web } from "../../support/web.ts";

const clients = authority("People");
const servers = authority("Proxies");
const alice = clients.issue({ cn: "alice" });
const bob = clients.issue({ cn: "bob" });
const stranger = authority("Strangers").issue({ cn: "alice" });

scenario(import.meta.file, ["curl", "stunnel4", "haproxy"], ({ scene, portail }) => {
  let web: Web;
  let proxy: AccessProxy;
  const cacert = scene.write("people.pem", clients.cert);
  const trust = scene.write("proxies.pem", servers.cert);
  const identity = save(scene, "proxy", servers.issue());
  const people = {
    alice: save(scene, "alice", alice),
    bob: save(scene, "bob", bob),
    stranger: save(scene, "stranger", stranger),
  };
  const policy = () =>
    `policy alice { when client.cn == "alice" and dest.ip in [127.0.0.0/8] and port == ${web.port} action allow }\n`;

  beforeAll(async () => {
    web = openWeb(scene);
    const flags = ["--cert", identity.cert, "--key", identity.key, "--cacert", cacert];
    proxy = await portail.socks({ policy: policy(), args: flags });
  });

  const get = (who: keyof typeof people | undefined, ...more: string[]) => {
    const certificate = who === undefined ? [] : ["--proxy-cert", people[who].cert, "--proxy-key", people[who].key];
    const way = ["--proxy", `https://localhost:${proxy.port}`, "--proxy-cacert", trust, ...certificate];
    return curl([...way, ...more, `http://127.0.0.1:${web.port}/hello`]);
  };

  test.each([
    ["CONNECT", ["--proxytunnel"]],
    ["forward", []],
  ] as const)("weakness 6.2.8: curl, %s: who is let out by who he is, and who is not", async (_, more) => {
    proxy.forget();
    expect(await get("alice", ...more)).toEqual({ status: 0, stdout: "hello from the web\n", stderr: "" });
    expect(await proxy.record("decision")).toMatchObject({
      policy: "alice",
      certificate: { subject: "CN=alice" },
      tls: { version: "TLSv1.3" },
      facts: { "client.cn": "alice" },
    });
    proxy.forget();
    const denied = await get("bob", "--fail", ...more);
    expect(`${denied.status} ${denied.stderr}`).toContain("403");
    expect(await proxy.record("decision")).toMatchObject({ decision: "deny", facts: { "client.cn": "bob" } });
    for (const [who, reason] of [
      ["stranger", "unknown_ca"],
      [undefined, "no_certificate"],
    ] as const) {
      proxy.forget();
      expect((await get(who, ...more)).status).not.toBe(0);
      expect(await proxy.record("reject")).toMatchObject({ reason });
    }
  });

  const throughSocks = (port: number) =>
    curl(["--proxy", `socks5h://127.0.0.1:${port}`, `http://127.0.0.1:${web.port}/hello`]);

  test("a SOCKS client behind stunnel", async () => {
    const port = freePort();
    const config = scene.write(
      "stunnel.conf",
      `foreground = yes\npid =\nsyslog = no\n[socks]\nclient = yes\naccept = 127.0.0.1:${port}\nconnect = 127.0.0.1:${proxy.port}\n` +
        `cert = ${people.alice.cert}\nkey = ${people.alice.key}\nCAfile = ${trust}\nverifyChain = yes\n`,
    );
    const stunnel = start(scene, ["stunnel4", config]);
    await stunnel.output("stderr", /Configuration successful/);
    proxy.forget();
    expect((await throughSocks(port)).stdout).toBe("hello from the web\n");
    expect(await proxy.record("decision")).toMatchObject({ protocol: "socks5", policy: "alice" });
  });

  test("a SOCKS client behind our own tunnel", async () => {
    const args = ["--keystore", people.alice.keystore, "--cacert", trust];
    const tunnel = await portail.tunnel({ side: "client", target: `localhost:${proxy.port}`, args });
    proxy.forget();
    expect((await throughSocks(tunnel.port)).stdout).toBe("hello from the web\n");
    expect(await proxy.record("decision")).toMatchObject({ protocol: "socks5", policy: "alice" });
  });

  test("HAProxy says by PROXY v2 who the client is, ahead of TLS", async () => {
    const behind = await portail.socks({
      policy: `policy here { when client.ip == 127.0.0.9 and peer.ip == 127.0.0.1 and dest.ip in [127.0.0.0/8] action allow }`,
      args: ["--cert", identity.cert, "--key", identity.key, "--accept-proxy-from", "127.0.0.1"],
    });
    const port = freePort();
    const front = ["listen front", `  bind 127.0.0.1:${port}`, `  server proxy 127.0.0.1:${behind.port} send-proxy-v2`];
    start(scene, install(scene, haproxy(scene.folder, front)));
    const ask = (...more: string[]) =>
      curl([
        "--proxy",
        `https://localhost:${port}`,
        "--proxy-cacert",
        trust,
        ...more,
        `http://127.0.0.1:${web.port}/hello`,
      ]);
    const outcome = await until("HAProxy", async () => {
      const got = await ask("--interface", "127.0.0.9");
      return got.status === 7 ? undefined : got;
    });
    expect(outcome.stdout).toBe("hello from the web\n");
    expect(await behind.record("decision")).toMatchObject({
      client: expect.stringMatching(/^127\.0\.0\.9:/),
      policy: "here",
    });
    const elsewhere = await ask("--fail");
    expect(elsewhere.status).toBe(22);
  });

  test("weakness 6.2.18: a reload takes a new certificate and a new authority up, and keeps both where a file is broken", async () => {
    const renewed = save(scene, "renewed", servers.issue({ nth: 1 }));
    const others = authority("Later people");
    const carol = save(scene, "carol", others.issue({ cn: "alice" }));
    const asCarol = () =>
      curl(
        [
          ["--proxy", `https://localhost:${proxy.port}`, "--proxy-cacert", trust, "--proxytunnel"],
          ["--proxy-cert", carol.cert, "--proxy-key", carol.key, `http://127.0.0.1:${web.port}/hello`],
        ].flat(),
      );
    expect((await asCarol()).status).not.toBe(0);
    writeFileSync(cacert, "no certificate\n");
    expect(await proxy.reload(policy())).toMatchObject({ outcome: "kept" });
    expect((await get("alice")).stdout).toBe("hello from the web\n");
    writeFileSync(cacert, others.cert);
    for (const part of ["cert", "key"] as const) writeFileSync(identity[part], await Bun.file(renewed[part]).text());
    expect(await proxy.reload(policy())).toMatchObject({ outcome: "done" });
    expect((await asCarol()).stdout).toBe("hello from the web\n");
    expect((await get("alice")).status).not.toBe(0);
    writeFileSync(cacert, clients.cert);
    expect(await proxy.reload(policy())).toMatchObject({ outcome: "done" });
  });

  test("it sends the certificates of its file, and none that the system has besides", async () => {
    const folder = join(scene.folder, "system");
    mkdirSync(folder);
    writeFileSync(join(folder, "authority.pem"), servers.cert);
    expect(await run(["openssl", "rehash", folder])).toMatchObject({ status: 0 });
    expect(readdirSync(folder)).toHaveLength(2);
    const flags = ["--cert", identity.cert, "--key", identity.key];
    const beside = await portail.socks({ policy: policy(), args: flags, env: { SSL_CERT_DIR: folder } });
    const asking = ["openssl", "s_client", "-showcerts", "-connect", `127.0.0.1:${beside.port}`, "-CAfile", trust];
    const { stdout } = await run(asking, { stdin: "" });
    expect(stdout).toContain("Verify return code: 0 (ok)");
    expect(stdout.match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
  });

  test.each([
    [["--tls", "required"], /--tls required needs a certificate to present/],
    [["--cacert", "x.pem"], /--cacert needs a certificate to present/],
    [["--tls-groups", "X25519"], /--tls-groups needs a certificate to present/],
    [["--tls-groups", "X448"], /--tls-groups: there is no group "X448"/],
    [["--min-tls-version", "TLS1.1"], /--min-tls-version: "TLS1.1"/],
    [["--client-cert", "optional", "--cert", "c", "--key", "k"], /--client-cert optional needs --cacert/],
    [["--tls", "off", "--cert", "c", "--key", "k"], /--tls off and an identity exclude each other/],
    [
      ["--client-cert", "off", "--cacert", "a", "--cert", "c", "--key", "k"],
      /--client-cert off and --cacert exclude each other/,
    ],
    [["--tls", "maybe", "--cert", "c", "--key", "k"], /--tls/],
  ])("%j is refused before anything opens", async (flags, says) => {
    const outcome = await portail.run(["socks", "--listen", "127.0.0.1:0", "--acl", "builtin:sample", ...flags]);
    expect(outcome.status).toBe(64);
    expect(outcome.stderr).toMatch(says);
  });

  test("certificates that are required make a listener beyond loopback no open door; optional ones do not", async () => {
    const flags = ["--cert", identity.cert, "--key", identity.key, "--cacert", cacert, "--listen", "0.0.0.0:0"];
    const open = await portail.run(["socks", "--acl", "builtin:sample", ...flags, "--client-cert", "optional"]);
    expect(open).toMatchObject({ status: 78, stderr: expect.stringContaining("[listen.open_door]") });
    const closed = portail.start(["socks", "--acl", "builtin:sample", ...flags]);
    await closed.output("stderr", /listening on 0\.0\.0\.0:/);
  });
});

/** curl with certificates in front, nginx over TLS behind: who is who is verified on both sides, and a policy decides on objects. */
import { describe, expect, test } from "bun:test";
import { curlAnswer } from "../../support/curl-answer.ts";
import { Dav } from "../../support/dav.ts";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import { StorageProxy } from "../../support/storage-proxy.ts";

const POLICY = `
policy no_secrets {
  when s3.bucket == "secrets"
  action deny
}
policy readers {
  when client.cn == "reader" and s3.operation in ["GetObject", "HeadObject"]
  action allow
}
policy writers {
  when client.cn == "writer" and s3.bucket == "box" and s3.key =~ "^in/" and method in ["PUT", "GET"]
  action allow
}
`;

scenario(import.meta.file, ["curl", "nginx", "openssl"], ({ scene, portail }) => {
  const ca = authority();
  const cacert = scene.write("ca.pem", ca.cert);
  const server = save(scene, "server", ca.issue());
  const client = (cn: string) => {
    const { keystore } = save(scene, cn, ca.issue({ cn, san: [] }));
    return ["--cacert", cacert, "--cert", keystore];
  };
  let dav: Dav;
  const start = (upstream: string, ...args: string[]) => StorageProxy.open(scene, portail, { upstream, args });

  test("the storage is verified by the name of its URL", async () => {
    const storage = save(scene, "storage", ca.issue({ cn: "storage", san: ["DNS:storage.example"] }));
    dav = await Dav.open(scene, {
      tls: storage,
      server: `ssl_client_certificate ${cacert}; ssl_verify_client optional; add_header X-Client $ssl_client_s_dn always;`,
    });
    dav.write("hello", Buffer.from("hello"));
    const there = `https://127.0.0.1:${dav.port}`;
    const known = ["--upstream-cacert", cacert];

    const wrong = await start(`${there}/`, ...known);
    const refused = await curlAnswer(scene, wrong.url("/upstream/hello"));
    expect([refused.status, refused.fields.get("x-portail-error")]).toEqual([502, "upstream_untrusted"]);
    expect((await wrong.trail.record("object")).error).toContain("127.0.0.1");

    const stranger = await start("https://storage.example/", "--connect-url", there);
    expect((await curlAnswer(scene, stranger.url("/upstream/hello"))).status).toBe(502);

    const right = await start("https://storage.example/", "--connect-url", there, ...known);
    const answer = await curlAnswer(scene, right.url("/upstream/hello"));
    expect([answer.status, answer.body.toString(), answer.fields.get("x-client")]).toEqual([200, "hello", undefined]);
    expect((await dav.request("GET", "/hello")).host).toBe("storage.example");

    const bypass = await start(there, "--bypass-ssl-certificate-check");
    expect((await curlAnswer(scene, bypass.url("/upstream/hello"))).status).toBe(200);
    expect((await bypass.trail.record("start")).unsafe).toEqual(["bypass-ssl-certificate-check"]);
    expect(bypass.program.stderr).toContain("warn --bypass-ssl-certificate-check: ");
  });

  test("the storage is shown a certificate of ours", async () => {
    const own = save(scene, "own", ca.issue({ cn: "proxy", san: [] }));
    const identity = ["--upstream-cert", own.cert, "--upstream-key", own.key, "--upstream-cacert", cacert];
    const where = ["--connect-url", `https://127.0.0.1:${dav.port}`];
    const proxy = await start("https://storage.example/", ...where, ...identity);
    const { fields } = await curlAnswer(scene, proxy.url("/upstream/hello"));
    expect(fields.get("x-client")).toBe("CN=proxy");
  });

  describe("with a policy", () => {
    let proxy: StorageProxy;
    const ask = (who: string, path: string, ...args: string[]) =>
      curlAnswer(scene, proxy.url(path, "https"), [...client(who), ...args]);

    test("it starts", async () => {
      const upstream = await Dav.open(scene);
      upstream.write("secrets/key", Buffer.from("secret"));
      const front = ["--cert", server.cert, "--key", server.key, "--cacert", cacert];
      const acl = scene.write("s3.acl", POLICY);
      proxy = await start(`http://127.0.0.1:${upstream.port}/`, ...front, "--acl", acl);
    });

    test("who may write writes, and nobody else", async () => {
      const file = scene.write("file", "some text");
      expect((await ask("writer", "/upstream/box/in/a%20b", "-T", file)).status).toBe(201);
      const line = await proxy.trail.record("object");
      expect(line).toMatchObject({
        decision: "allow",
        policy: "writers",
        operation: "PutObject",
        bucket: "box",
        key: "in/a b",
        facts: { "client.cn": "writer", "s3.key": "in/a b", "s3.operation": "PutObject" },
      });
      expect(line.certificate?.subject).toBe("CN=writer");
      for (const [who, path] of [
        ["reader", "/upstream/box/in/c"],
        ["writer", "/upstream/box/out/c"],
        ["writer", "/upstream/other/in/c"],
      ] as const) {
        const { status, fields } = await ask(who, path, "-T", file);
        expect([status, fields.get("x-portail-error")]).toEqual([403, "denied"]);
      }
      expect((await ask("reader", "/upstream/box/in/a%20b")).body.toString()).toBe("some text");
    });

    test.each(["secrets/key", "%73ecrets/key", "box/../secrets/key", "box/%2e%2e/secrets/key", "./secrets/key"])(
      "%s is nobody's",
      async (path) => {
        const { status } = await ask("reader", `/upstream/${path}`);
        expect(status).toBe(403);
      },
    );

    test("who shows no certificate does not come in", async () => {
      const { exit } = await curlAnswer(scene, proxy.url("/ping", "https"), ["--cacert", cacert]);
      expect(exit).not.toBe(0);
      expect((await proxy.trail.record("reject")).reason).toBe("no_certificate");
    });

    test("a policy that is broken at a reload changes nothing", async () => {
      scene.write("s3.acl", "policy {");
      proxy.program.signal("SIGHUP");
      expect((await proxy.trail.record("reload")).outcome).toBe("kept");
      expect((await ask("reader", "/upstream/box/in/a%20b")).status).toBe(200);
    });
  });
});

/** The status of a daemon, asked by curl: the page, under which names, and who sees whose connections are open. */
import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { readIdentity } from "../../../../lib/identity/identity.ts";
import { SourceFiles } from "../../../../lib/identity/source-files.ts";
import { Deadlines } from "../../../../lib/net/deadlines.ts";
import { KeepAlive } from "../../../../lib/net/keep-alive.ts";
import { openDaemonStatus, type StatusParts } from "../../../../lib/service/daemon-status.ts";
import { liveUntilStopped, type Daemon, type Life } from "../../../../lib/service/life.ts";
import { Registry } from "../../../../lib/service/metrics.ts";
import { parseStatus } from "../../../../lib/service/status-settings.ts";
import type { OpenConnection } from "../../../../lib/status/connections.ts";
import { fakeRuntime } from "../../../adversarial/harness.ts";
import { curl } from "../../../support/curl.ts";
import { leaveOut, missing } from "../../../support/needs.ts";
import { authority, save } from "../../../support/pki.ts";
import { Scene } from "../../../support/scene.ts";

const scene = new Scene();
afterAll(() => scene.close());

const WHO = "CN=who-is-connected";
const CONNECTION: OpenConnection = {
  started: 0,
  sent: 1,
  received: 2,
  describe: () => ({ who: WHO, client: "192.0.2.7:1", target: "db.example:5432", route: "db", state: "open" }),
};

type Given = Partial<Parameters<typeof parseStatus>[0]> & { status: string };

/** A life that has begun; `reload` tells what came of one. */
async function living() {
  const runtime = fakeRuntime();
  const born = Promise.withResolvers<Life>();
  const it: Daemon = {
    open: 0,
    summary: "",
    reload: () => Promise.resolve("done"),
    drain: () => Promise.resolve(),
    cut() {},
  };
  const open = (life: Life) => (born.resolve(life), Promise.resolve(it));
  const over = liveUntilStopped(runtime, open, { shutdownTimeout: 1000, timedReload: 0 });
  const life = await born.promise;
  scene.defer(async () => (life.stop("the end of the test"), void (await over)));
  return { runtime, life };
}

async function serve(given: Given, more: Partial<StatusParts> = {}) {
  const { runtime, life } = await living();
  const rest = { "enable-shutdown": false, "status-acl": undefined, "status-cacert": [], "status-name": [] };
  const settings = parseStatus({ ...rest, ...given })!;
  const connections = () => ({ total: 1, [Symbol.iterator]: () => [CONNECTION].values() });
  const own = { command: "test", life, registry: new Registry("portail"), listen: ["192.0.2.1:1080"], connections };
  const status = await openDaemonStatus(runtime, settings, { ...own, ...more });
  scene.defer(() => status.close());
  return { life, runtime, port: "port" in status.address ? status.address.port : 0 };
}

function tls() {
  const { keystore } = save(
    scene,
    "status",
    authority().issue({ cn: "status", san: ["DNS:status.example", "IP:127.0.0.1"] }),
  );
  const identity = readIdentity({ kind: "keystore", keystore }, new SourceFiles({ cwd: "/", env: {} }));
  return { tls: { identity: () => identity, deadlines: new Deadlines(10_000), keepAlive: new KeepAlive(0) } };
}

const absent = missing(["curl", "openssl"]);
if (absent.length > 0) leaveOut("the status of a daemon is asked by curl", absent);
else {
  describe("the page", () => {
    test("has all that it needs, under a policy that names it by its digests, and is only read", async () => {
      const { port } = await serve({ status: "127.0.0.1:0" });
      const url = `http://127.0.0.1:${port}/`;
      const { stdout } = await curl(["--include", url]);
      expect(stdout).toMatch(/^HTTP\/1\.1 200 OK\r\nContent-Type: text\/html; charset=utf-8\r\n/);
      const policy = /\r\nContent-Security-Policy: (.*)\r\n/.exec(stdout)![1]!;
      expect(policy).toStartWith("default-src 'none'; ");
      expect(policy).not.toContain("unsafe");
      for (const kind of ["script", "style"]) {
        const [, text] = new RegExp(`<${kind}>([^]*)</${kind}>`).exec(stdout)!;
        const digest = new Bun.CryptoHasher("sha256").update(text!).digest("base64");
        expect(policy).toContain(`${kind}-src 'sha256-${digest}'`);
      }
      const body = stdout.slice(stdout.indexOf("\r\n\r\n"));
      expect(body).not.toMatch(/ (?:on\w+|style|src)=/);
      expect(body).toContain("192.0.2.1:1080");
      const code = async (...how: string[]) =>
        (await curl([...how, "--output", "/dev/null", "--write-out", "%{http_code}", url])).stdout;
      expect(await code("--head")).toBe("200");
      for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) expect(await code("--request", method)).toBe("405");
    });

    test.each([
      ["localhost", 200],
      ["Given.example:81", 200],
      ["evil.example", 421],
      ["", 421],
      ["127.0.0.1.evil.example", 421],
    ])("asked for as %j: %d; state and metrics are there under any name", async (host, status) => {
      const { port } = await serve({ status: "127.0.0.1:0", "status-name": ["given.example"] });
      const ask = async (path: string) => {
        const how = ["--header", host === "" ? "Host:" : `Host: ${host}`, "--http1.0", "--write-out", "%{http_code}"];
        return (await curl([...how, `http://127.0.0.1:${port}${path}`])).stdout;
      };
      const page = await ask("/");
      expect(page).toEndWith(String(status));
      if (status !== 200) expect(page).not.toContain("html");
      expect(await ask("/_status")).toEndWith("200");
      expect(await ask("/metrics")).toEndWith("200");
    });

    test("over TLS, also under the names of the certificate", async () => {
      const { port } = await serve({ status: "https://127.0.0.1:0" }, tls());
      const ask = (host: string) =>
        curl(["--insecure", "--header", `Host: ${host}`, "--write-out", "%{http_code}", `https://127.0.0.1:${port}/`]);
      expect((await ask("status.example")).stdout).toEndWith("200");
      expect((await ask("other.example")).stdout).toEndWith("421");
    });
  });

  describe("whose connections are open", () => {
    test("is shown at a UNIX socket", async () => {
      await serve({ status: `unix:${scene.path("s")}` });
      const { stdout } = await curl(["--unix-socket", scene.path("s"), "http://localhost/"]);
      expect(stdout).toContain(WHO);
      expect(stdout).toContain("db.example:5432");
    });

    test("is not shown over TCP: their number alone", async () => {
      const { port } = await serve({ status: "127.0.0.1:0" });
      const { stdout } = await curl([`http://127.0.0.1:${port}/?sort=bytes&page=1`]);
      expect(stdout).not.toContain(WHO);
      expect(stdout).not.toContain("192.0.2.7");
      expect(stdout).toContain("1 open");
    });

    test("is shown to whom the ACL lets in by a certificate, and after a reload to whom it does then", async () => {
      const [ours, theirs] = [authority("Admins"), authority("Strangers")];
      const acl = scene.write("look.acl", 'policy admins { when client.cn == "ada" action allow }\n');
      const cacert = scene.write("admins.pem", ours.cert);
      const given = { status: "https://127.0.0.1:0", "status-acl": acl, "status-cacert": [cacert] };
      const { port, life, runtime } = await serve(given, tls());
      const ask = async (as?: { cert: string; key: string }) => {
        const shown = as === undefined ? [] : ["--cert", as.cert, "--key", as.key];
        const trusted = ["--cacert", scene.write("ca.pem", authority().cert)];
        return curl([...trusted, ...shown, `https://127.0.0.1:${port}/`]);
      };
      const ada = save(scene, "ada", ours.issue({ cn: "ada" }));
      const bob = save(scene, "bob", ours.issue({ cn: "bob" }));
      const eve = save(scene, "eve", theirs.issue({ cn: "ada" }));
      expect((await ask(ada)).stdout).toContain(WHO);
      for (const who of [undefined, bob]) {
        const { status, stdout } = await ask(who);
        expect(status).toBe(0);
        expect(stdout).toContain("1 open");
        expect(stdout).not.toContain(WHO);
      }
      expect(await ask(eve)).toMatchObject({ status: expect.any(Number), stdout: "" });

      writeFileSync(acl, "policy {");
      expect(await life.reload()).toBe("kept");
      expect(runtime.lines.join()).toContain("[acl.invalid]");
      expect((await ask(ada)).stdout).toContain(WHO);

      writeFileSync(acl, 'policy admins { when command == "test" and client.cn == "bob" action allow }\n');
      writeFileSync(cacert, `${ours.cert}${theirs.cert}`);
      expect(await life.reload()).toBe("done");
      expect((await ask(bob)).stdout).toContain(WHO);
      for (const who of [ada, eve]) {
        const { status, stdout } = await ask(who);
        expect(status).toBe(0);
        expect(stdout).not.toContain(WHO);
      }
    });

    test("an ACL without a certificate to serve with keeps the daemon from starting", async () => {
      const acl = scene.write("any.acl", "policy any { action allow }\n");
      const given = {
        status: "127.0.0.1:0",
        "status-acl": acl,
        "status-cacert": [scene.write("c.pem", authority().cert)],
      };
      expect(serve(given)).rejects.toMatchObject({ code: "status.acl_without_tls", exit: 78 });
    });
  });

  test("a mistake in what is shown is no mistake of who asks", async () => {
    const broken = () => {
      throw new Error("a mistake");
    };
    const { port, runtime } = await serve({ status: "127.0.0.1:0" }, { connections: broken });
    const { stdout } = await curl(["--write-out", "%{http_code}", `http://127.0.0.1:${port}/`]);
    expect(stdout).toEndWith("500");
    expect(runtime.lines.join()).toContain("a mistake");
  });
}

/** ssh, curl (HTTP/1 and 2), openssl, psql and a client with a certificate, all on one port, each to its real server. */
import { beforeAll, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { RunningMux } from "../../support/mux-scene.ts";
import { freePort } from "../../support/free-port.ts";
import { authority, save } from "../../support/pki.ts";
import { openPostgres } from "../../support/postgres.ts";
import { run, start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { openSshd, type Sshd } from "../../support/sshd.ts";
import { until } from "../../support/until.ts";

const NEEDS = ["openssl", "curl", "nginx", "ssh", "ssh-keygen", "sshd", "psql", "pg_createcluster", "setpriv"];

function answers(port: number): Promise<boolean> {
  return Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } }).then(
    (socket) => (socket.terminate(), true),
    () => false,
  );
}

scenario(import.meta.file, NEEDS, ({ scene, portail }) => {
  const ca = authority();
  const cacert = scene.write("ca.pem", ca.cert);
  const names = ["DNS:pass.example", "DNS:web.example", "DNS:db.example", "DNS:dbpass.example", "DNS:ids.example"];
  const server = save(scene, "server", ca.issue({ cn: "server", san: names }));
  const alice = save(scene, "alice", ca.issue({ cn: "alice", san: [] }));
  const bob = save(scene, "bob", ca.issue({ cn: "bob", san: [] }));
  let mux: RunningMux;
  let sshd: Sshd;

  beforeAll(async () => {
    sshd = await openSshd(scene);
    const [tlsPort, proxiedPort] = [freePort(), freePort()];
    await openNginx(tlsPort, proxiedPort);
    const clear = await openPostgres(scene);
    const secured = await openPostgres(scene, { cert: server.cert, key: server.key });
    chmodSync(scene.folder, 0o711);
    const ended = { terminate: true, "client-certificate": "required", trust: "people" };
    mux = await RunningMux.open(
      scene,
      portail,
      {
        trusts: { people: { cacert } },
        routes: [
          { name: "shell", "first-bytes": ["ssh"], target: `127.0.0.1:${sshd.port}` },
          { name: "pass", "server-name": "pass.example", target: `127.0.0.1:${tlsPort}` },
          {
            name: "web",
            "server-name": "web.example",
            alpn: ["http/1.1"],
            ...ended,
            "allow-cn": "alice",
            target: `127.0.0.1:${proxiedPort}`,
            "proxy-protocol": true,
          },
          {
            name: "ids",
            "server-name": "ids.example",
            alpn: ["x-one", "x-any@*"],
            terminate: true,
            target: `127.0.0.1:${proxiedPort}`,
          },
          {
            name: "db",
            "server-name": "db.example",
            starttls: "postgres",
            terminate: true,
            target: `unix:${clear.socket}/.s.PGSQL.${clear.port}`,
          },
          {
            name: "dbpass",
            "server-name": "dbpass.example",
            starttls: "postgres",
            target: `127.0.0.1:${secured.port}`,
          },
        ],
      },
      ["--cert", server.cert, "--key", server.key],
    );
  });

  /** Over TLS for what passes; in the clear, behind a PROXY header, for what ends at the multiplexer. */
  async function openNginx(tlsPort: number, proxiedPort: number): Promise<void> {
    const config = scene.write(
      "nginx.conf",
      `daemon off; master_process off; pid ${scene.path("nginx.pid")}; error_log ${scene.path("nginx.log")};
events {}
http {
  access_log off;
  client_body_temp_path ${scene.path("body")}; proxy_temp_path ${scene.path("proxy")}; fastcgi_temp_path ${scene.path("f")};
  uwsgi_temp_path ${scene.path("u")}; scgi_temp_path ${scene.path("s")};
  server {
    listen 127.0.0.1:${tlsPort} ssl http2;
    ssl_certificate ${server.cert}; ssl_certificate_key ${server.key};
    return 200 "passed $server_protocol $ssl_server_name\\n";
  }
  server {
    listen 127.0.0.1:${proxiedPort} proxy_protocol;
    return 200 "from $proxy_protocol_addr:$proxy_protocol_port\\n";
  }
}
`,
    );
    start(scene, ["nginx", "-c", config, "-p", scene.folder]);
    for (const port of [tlsPort, proxiedPort]) await until("nginx", () => answers(port));
  }

  const curl = (name: string, ...more: string[]) =>
    run([
      "curl",
      "--silent",
      "--show-error",
      "--max-time",
      "20",
      "--cacert",
      cacert,
      "--connect-to",
      `${name}:443:127.0.0.1:${mux.port}`,
      ...more,
      `https://${name}/`,
    ]);

  const openssl = (name: string, alpn: string) =>
    run([
      "openssl",
      "s_client",
      "-connect",
      `127.0.0.1:${mux.port}`,
      "-servername",
      name,
      "-alpn",
      alpn,
      "-CAfile",
      cacert,
    ]);

  test("OpenSSH, by its first bytes", async () => {
    const outcome = await run([
      "ssh",
      "-p",
      String(mux.port),
      ...sshd.flags,
      `${sshd.user}@127.0.0.1`,
      "echo hello; exit 3",
    ]);
    expect(outcome).toEqual({ status: 3, stdout: "hello\n", stderr: "" });
    expect(await mux.session(({ route }) => route === "shell")).toMatchObject({ decision: "allow", command: "mux" });
  });

  test("curl with HTTP/1 and HTTP/2 to a server whose TLS it is", async () => {
    expect((await curl("pass.example", "--http1.1")).stdout).toBe("passed HTTP/1.1 pass.example\n");
    expect((await curl("pass.example", "--http2")).stdout).toBe("passed HTTP/2.0 pass.example\n");
    const line = await mux.session(({ route }) => route === "pass");
    expect(line.hello).toEqual({ serverName: "pass.example", protocolIds: ["http/1.1"] });
    expect(line.tls).toBeUndefined();
  });

  test("a route asks for a certificate, and tells nginx who its client is", async () => {
    const known = await curl("web.example", "--cert", alice.cert, "--key", alice.key);
    expect(known.stdout).toMatch(/^from 127\.0\.0\.1:\d+\n$/);
    const line = await mux.session(({ route }) => route === "web");
    expect(line.client).toBe(known.stdout.trim().slice("from ".length));
    expect(line.certificate).toMatchObject({ subject: "CN=alice" });
    expect((await curl("web.example", "--cert", bob.cert, "--key", bob.key)).status).not.toBe(0);
    expect(await mux.session(({ reason }) => reason === "no_access_rule_matches")).toMatchObject({
      route: "web",
      decision: "deny",
      certificate: { subject: "CN=bob" },
    });
    expect((await curl("web.example")).status).not.toBe(0);
  });

  test("openssl sees the protocol id of its route, or the alert that there is none", async () => {
    expect((await openssl("ids.example", "x-none,x-one")).stdout).toContain("ALPN protocol: x-one");
    expect((await openssl("ids.example", "x-any@leaf")).stdout).toContain("ALPN protocol: x-any@leaf");
    for (const id of ["x-two", "x-any@127.0.0.1", "x-any@a.b", "x-any@LEAF", `x-any@${"a".repeat(64)}`]) {
      const { stderr, stdout } = await openssl("ids.example", id);
      expect([id, stderr]).toEqual([id, expect.stringContaining("alert no application protocol")]);
      expect(stdout).not.toContain("ALPN protocol");
    }
    expect((await openssl("other.example", "x-one")).stderr).toContain("unrecognized name");
  });

  test.each(["db", "dbpass"])("psql by its SSLRequest, to %s", async (name) => {
    const to = `host=${name}.example hostaddr=127.0.0.1 port=${mux.port} sslmode=verify-full sslrootcert=${cacert}`;
    const asked = await run(["psql", "-X", "-Atc", "select 6 * 7", `user=ann dbname=postgres ${to}`]);
    expect(asked).toEqual({ status: 0, stdout: "42\n", stderr: "" });
    expect(await mux.session(({ route }) => route === name)).toMatchObject({
      decision: "allow",
      hello: { serverName: `${name}.example` },
    });
  });

  test("what no route takes is closed and recorded", async () => {
    const { status } = await run(["curl", "--max-time", "20", `http://127.0.0.1:${mux.port}/`]);
    expect(status).not.toBe(0);
    expect(await mux.session(({ reason }) => reason === "unknown_protocol")).toMatchObject({ decision: "deny" });
    expect(await mux.stop()).toBe(0);
  });
});

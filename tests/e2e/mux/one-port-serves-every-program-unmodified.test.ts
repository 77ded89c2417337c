/** ssh, curl (HTTP/1 and 2), kubectl, psql, psycopg with TLS at once, mariadb by `mux forward` and redis-cli, all on one port by one file, each to its real server. */
import { beforeAll, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { RunningMux, type MuxTables } from "../../support/mux-scene.ts";
import { curl } from "../../support/curl.ts";
import { startMariaDb } from "../../support/mariadb.ts";
import { authority, save } from "../../support/pki.ts";
import { openPostgres } from "../../support/postgres.ts";
import { run } from "../../support/program.ts";
import { psycopg, psycopgLibrary } from "../../support/psycopg.ts";
import { RedisServer } from "../../support/redis.ts";
import { RoutedWebs } from "../../support/routed-webs.ts";
import { scenario } from "../../support/scenario.ts";
import { openSshd, type Sshd } from "../../support/sshd.ts";

const SERVERS = ["mariadb-install-db", "mariadbd", "nginx", "pg_createcluster", "redis-server", "setpriv", "sshd"];
const CLIENTS = ["curl", "kubectl", "mariadb", "psql", "python3:pip", "redis-cli", "ssh", "ssh-keygen"];
const NAMES = ["pass", "kube", "web", "db", "dbpass", "mysql", "redis"];
/** By the wheel's libpq: its version, and what a server answers. */
const ASK = `
import psycopg, sys
with psycopg.connect(sys.argv[1]) as connection:
    print(psycopg.pq.version() >= 170000, connection.execute("select 6 * 7").fetchone()[0])
`;

scenario(
  import.meta.file,
  ["openssl", ...SERVERS, ...CLIENTS],
  ({ scene, portail }) => {
    const ca = authority();
    const cacert = scene.write("ca.pem", ca.cert);
    const san = NAMES.map((name) => `DNS:${name}.example`);
    const server = save(scene, "server", ca.issue({ cn: "server", san }));
    const [alice, bob] = ["alice", "bob"].map((cn) => save(scene, cn, ca.issue({ cn, san: [] }))) as [
      typeof server,
      typeof server,
    ];
    const webs = new RoutedWebs(scene, { ...server, cacert });
    let mux: RunningMux;
    let sshd: Sshd;

    beforeAll(async () => {
      const postgres = openPostgres(scene, server);
      const servers = [openSshd(scene), postgres, startMariaDb(scene), RedisServer.open(scene)] as const;
      await Promise.all([...servers, webs.begin(), psycopgLibrary()]);
      chmodSync(scene.folder, 0o711);
      sshd = await servers[0];
      const [{ port, socket }, mariadb, redis] = await Promise.all([servers[1], servers[2], servers[3]]);
      const at = (number: number) => `127.0.0.1:${number}`;
      const terminate = true;
      const tables: MuxTables = {
        trusts: { people: { cacert } },
        routes: [
          { name: "shell", "first-bytes": ["ssh"], target: at(sshd.port) },
          { name: "pass", "server-name": "pass.example", target: at(webs.tlsPort) },
          { name: "kube", "server-name": "kube.example", target: at(webs.kubePort) },
          {
            name: "web",
            "server-name": "web.example",
            alpn: ["http/1.1"],
            terminate,
            "client-certificate": "required",
            trust: "people",
            "allow-cn": "alice",
            target: at(webs.port),
            "proxy-protocol": true,
          },
          {
            name: "db",
            "server-name": "db.example",
            starttls: "postgres",
            terminate,
            target: `unix:${socket}/.s.PGSQL.${port}`,
          },
          { name: "dbpass", "server-name": "dbpass.example", starttls: "postgres", target: at(port) },
          { name: "mysql", "server-name": "mysql.example", alpn: ["mysql"], terminate, target: at(mariadb) },
          { name: "redis", "server-name": "redis.example", terminate, target: at(redis.port) },
        ],
      };
      mux = await RunningMux.open(scene, portail, tables, ["--cert", server.cert, "--key", server.key]);
    }, 360_000);

    const ask = (name: string, ...more: string[]) =>
      curl(["--cacert", cacert, "--connect-to", `${name}:443:127.0.0.1:${mux.port}`, ...more, `https://${name}/`]);
    const database = (name: string) =>
      `host=${name}.example hostaddr=127.0.0.1 port=${mux.port} user=ann dbname=postgres sslmode=verify-full sslrootcert=${cacert}`;

    test("OpenSSH, by its first bytes", async () => {
      const to = `${sshd.user}@127.0.0.1`;
      const outcome = await run(["ssh", "-p", String(mux.port), ...sshd.flags, to, "echo hello; exit 3"]);
      expect(outcome).toEqual({ status: 3, stdout: "hello\n", stderr: "" });
      expect(await mux.session(({ route }) => route === "shell")).toMatchObject({ decision: "allow", command: "mux" });
    });

    test("curl with HTTP/1 and HTTP/2, to a server whose TLS it is", async () => {
      expect((await ask("pass.example", "--http1.1")).stdout).toBe("passed HTTP/1.1 pass.example\n");
      expect((await ask("pass.example", "--http2")).stdout).toBe("passed HTTP/2.0 pass.example\n");
      const line = await mux.session(({ route }) => route === "pass");
      expect(line.hello).toEqual({ serverName: "pass.example", protocolIds: ["http/1.1"] });
      expect(line.tls).toBeUndefined();
    });

    test("kubectl by an address and a server name, its certificate untouched on the way", async () => {
      const cluster = {
        server: `https://127.0.0.1:${mux.port}`,
        "tls-server-name": "kube.example",
        "certificate-authority": cacert,
      };
      const user = { "client-certificate": alice.cert, "client-key": alice.key };
      const config = {
        apiVersion: "v1",
        kind: "Config",
        "current-context": "here",
        clusters: [{ name: "kube", cluster }],
        users: [{ name: "alice", user }],
        contexts: [{ name: "here", context: { cluster: "kube", user: "alice" } }],
      };
      // JSON is YAML.
      const env = { KUBECONFIG: scene.write("kubeconfig", JSON.stringify(config)), HOME: scene.mkdir("home") };
      const { status, stdout, stderr } = await run(["kubectl", "version", "--output=json"], { env });
      expect([status, stderr]).toEqual([0, ""]);
      expect(JSON.parse(stdout)).toMatchObject({ serverVersion: { gitVersion: "v1.28.0", platform: "CN=alice" } });
      expect(await mux.session(({ route }) => route === "kube")).toMatchObject({
        hello: { serverName: "kube.example", protocolIds: ["h2", "http/1.1"] },
      });
    });

    test("one route asks for a certificate, and tells nginx who its client is", async () => {
      const as = ({ cert, key }: typeof server) =>
        ask("web.example", "--http1.1", "--cert", cert, "--key", key, "--interface", "127.0.0.9");
      expect((await as(alice)).stdout).toBe("hello\n");
      const line = await mux.session(({ route }) => route === "web");
      expect(line).toMatchObject({ decision: "allow", certificate: { subject: "CN=alice" } });
      expect(line.client).toStartWith("127.0.0.9:");
      expect(webs.proxied).toEqual([`${line.client} GET / HTTP/1.1`]);
      expect((await as(bob)).status).not.toBe(0);
      expect(await mux.session(({ reason }) => reason === "no_access_rule_matches")).toMatchObject({
        route: "web",
        decision: "deny",
        certificate: { subject: "CN=bob" },
      });
      expect((await ask("web.example", "--http1.1")).status).not.toBe(0);
      expect(await mux.session(({ reason }) => reason === "no_certificate")).toMatchObject({ route: "web" });
      expect(webs.proxied).toHaveLength(1);
    });

    test.each(["db", "dbpass"])("psql by its SSLRequest, to %s", async (name) => {
      const asked = await run(["psql", "-X", "-Atc", "select 6 * 7", database(name)]);
      expect(asked).toEqual({ status: 0, stdout: "42\n", stderr: "" });
      expect(await mux.session(({ route }) => route === name)).toMatchObject({
        decision: "allow",
        hello: { serverName: `${name}.example` },
      });
    });

    test.each([
      ["db", "direct"],
      ["db", "postgres"],
      ["dbpass", "postgres"],
    ])("psycopg with a libpq of today, to %s, sslnegotiation=%s", async (name, negotiation) => {
      mux.audit.forget();
      const asked = await psycopg(ASK, `${database(name)} sslnegotiation=${negotiation}`);
      expect(asked).toEqual({ status: 0, stdout: "True 42\n", stderr: "" });
      const { hello, tls } = await mux.session(({ route }) => route === name);
      expect(hello).toEqual({ serverName: `${name}.example`, protocolIds: ["postgresql"] });
      expect(tls?.protocolId).toBe(name === "db" ? "postgresql" : undefined);
    });

    test("mariadb, wrapped by mux forward", async () => {
      const way = ["--server-name", "mysql.example", "--alpn", "mysql", "--cacert", cacert, "--listen", "127.0.0.1:0"];
      const forward = portail.start(["mux", "forward", `127.0.0.1:${mux.port}`, ...way]);
      const [, port] = await forward.output("stderr", /listening on 127\.0\.0\.1:(\d+)/);
      const where = ["--no-defaults", "--protocol=tcp", `--port=${port}`, "--user=app", "--password=secret"];
      const read = await run(["mariadb", ...where, "-N", "-e", "select 6 * 7"]);
      expect(read).toEqual({ status: 0, stdout: "42\n", stderr: "" });
      expect(await mux.session(({ route }) => route === "mysql")).toMatchObject({ tls: { protocolId: "mysql" } });
    });

    test("redis-cli over TLS", async () => {
      const way = ["-h", "127.0.0.1", "-p", String(mux.port), "--tls", "--cacert", cacert, "--sni", "redis.example"];
      expect((await run(["redis-cli", ...way, "set", "answer", "42"])).stdout).toBe("OK\n");
      expect((await run(["redis-cli", ...way, "get", "answer"])).stdout).toBe("42\n");
      expect(await mux.session(({ route }) => route === "redis")).toMatchObject({ decision: "allow" });
    });

    test("what no route takes is closed and recorded", async () => {
      expect((await curl([`http://127.0.0.1:${mux.port}/`])).status).not.toBe(0);
      expect(await mux.session(({ reason }) => reason === "unknown_protocol")).toMatchObject({ decision: "deny" });
      expect(await mux.stop()).toBe(0);
    });
  },
  ["binary"],
);

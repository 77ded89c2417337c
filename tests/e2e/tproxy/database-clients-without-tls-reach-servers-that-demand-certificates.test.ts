/** STARTTLS of both kinds: psql and mariadb without TLS reach servers that demand client certificates, transparently and under `tproxy exec` without privileges. */
import { chmodSync, chownSync } from "node:fs";
import { beforeAll, expect, test } from "bun:test";
import { startMariaDb } from "../../support/mariadb.ts";
import { authority, save } from "../../support/pki.ts";
import { openPostgres } from "../../support/postgres.ts";
import { scenario } from "../../support/scenario.ts";
import { asUser, isDenied, RunningTproxy } from "../../support/tproxy-scene.ts";
import { NETWORK_NEEDS, openNetworks, type TwoNetworks } from "../../support/two-networks.ts";

const NEEDS = [...NETWORK_NEEDS, "openssl", "psql", "pg_createcluster", "mariadb", "mariadbd", "mariadb-install-db"];
const ALICE = 2001;
const PLUGIN = "INSTALL SONAME 'auth_ed25519';";
const USERS =
  "ALTER USER app@'%' REQUIRE SUBJECT '/CN=ann';" +
  "CREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('secret') REQUIRE X509; GRANT ALL ON app.* TO ed@'%';";

scenario(
  import.meta.file,
  NEEDS,
  ({ scene, portail }) => {
    const ca = authority("Servers");
    const clients = authority("Clients");
    const cacert = scene.write("ca.pem", ca.cert);
    const clientCa = scene.write("clients.pem", clients.cert);
    const server = save(scene, "db", ca.issue({ cn: "db", san: ["DNS:db.example.com"] }));
    const ann = save(scene, "ann", clients.issue({ cn: "ann", san: [] }));
    const rule = (address: string, more: string) => `
[[rule]]
name = "db.example.com"
address = "${address}"
target = "10.9.0.2"
${more}
`;
    const config = (name: string, ...rules: string[]) =>
      scene.write(name, `cacert = "${cacert}"\nkeystore = "${ann.keystore}"\n${rules.join("")}`);
    const rules = (one: string, other: string) => [
      rule(one, 'port-map = "5432"\nstarttls = "postgres"'),
      rule(other, 'port-map = "3306"\nstarttls = "mysql"'),
    ];
    let nets: TwoNetworks;
    let tproxy: RunningTproxy;

    beforeAll(async () => {
      nets = await openNetworks(scene);
      const { near, far } = nets;
      const place = { port: 5432, prefix: far.prefix, address: "10.9.0.2" };
      const tls = { cert: server.cert, key: server.key, clientCa };
      await Promise.all([
        openPostgres(scene, tls, place),
        startMariaDb(
          scene,
          { port: 3306, prefix: far.prefix, address: "10.9.0.2" },
          { tls, more: `${PLUGIN}${USERS}` },
        ),
      ]);
      chmodSync(scene.folder, 0o711);
      chownSync(ann.keystore, ALICE, ALICE);
      const plain = rules("198.18.0.1", "198.18.0.2");
      tproxy = await RunningTproxy.start(scene, portail, near, ["--config", config("tproxy.toml", ...plain)]);
    }, 120_000);

    const QUERY = "select ssl, client_dn from pg_stat_ssl where pid = pg_backend_pid()";
    const psql = (settings: string) => ["psql", "-X", "-Atc", QUERY, `user=ann dbname=postgres ${settings}`];
    const CIPHER = "show status like 'Ssl_cipher'; select repeat('x', 100000) = repeat('x', 100000)";
    const mariadb = (user: string, password: string, ...args: string[]) => {
      const who = [`--user=${user}`, `--password=${password}`];
      return ["mariadb", "--no-defaults", "--skip-ssl", ...args, ...who, "-N", "-e", CIPHER, "app"];
    };

    test.each(["disable", "prefer"])("psql with sslmode=%s", async (mode) => {
      const told = `host=db.example.com hostaddr=198.18.0.1 port=5432 sslmode=${mode} gssencmode=${mode}`;
      expect(await asUser(nets.near, ALICE, psql(told))).toEqual({ status: 0, stdout: "t|/CN=ann\n", stderr: "" });
      tproxy.audit.forget();
    });

    test.each(["app", "ed"])("mariadb as %s", async (user) => {
      const told = mariadb(user, "secret", "--host=198.18.0.2");
      expect(await asUser(nets.near, ALICE, told)).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/^Ssl_cipher\tTLS_\w+\n1\n$/),
      });
      tproxy.audit.forget();
    });

    test("a wrong password is the server's to refuse, in its words", async () => {
      const { status, stderr } = await asUser(nets.near, ALICE, mariadb("app", "wrong", "--host=198.18.0.2"));
      expect([status, stderr]).toEqual([1, expect.stringContaining("Access denied for user 'app'")]);
    });

    test("a client that insists on TLS of its own is refused", async () => {
      tproxy.audit.forget();
      const told = "host=db.example.com hostaddr=198.18.0.1 port=5432 sslmode=require";
      expect((await asUser(nets.near, ALICE, psql(told))).status).toBe(2);
      expect(await tproxy.audit.record("session", isDenied)).toMatchObject({
        decision: "deny",
        reason: "postgres_malformed",
      });
    });

    test("under exec, as an ordinary user", async () => {
      // It would capture what exec dials.
      expect(await tproxy.stop()).toBe(0);
      const file = config(
        "exec.toml",
        ...rules("198.18.0.1", "198.18.0.2").map((text) => text.replace(/address.*/, "")),
      );
      const exec = [...portail.command, "tproxy", "exec", "--config", file, "--"];
      const clients = [psql("host=db.example.com sslmode=disable"), mariadb("app", "secret", "--host=db.example.com")];
      const line = clients.map((words) => words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" "));
      const ran = await asUser(nets.near, ALICE, [...exec, "sh", "-c", `id -u; ${line.join("; ")}; exit 7`]);
      expect(ran).toMatchObject({
        status: 7,
        stdout: expect.stringMatching(/^2001\nt\|\/CN=ann\nSsl_cipher\tTLS_\w+\n1\n$/),
      });
    });
  },
  ["binary"],
);

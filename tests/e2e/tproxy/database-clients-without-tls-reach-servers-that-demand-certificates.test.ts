/** STARTTLS of both kinds: psql and mariadb without TLS reach servers that demand client certificates, transparently and under `tproxy exec` without privileges. */
import { chmodSync, chownSync } from "node:fs";
import { beforeAll, expect, test } from "bun:test";
import { startMariaDb } from "../../support/mariadb.ts";
import { authority, save } from "../../support/pki.ts";
import { openPostgres } from "../../support/postgres.ts";
import { AuditTrail } from "../../support/audit-trail.ts";
import { until } from "../../support/until.ts";
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

    test("psql cancels what it asked for", async () => {
      const told = "user=ann dbname=postgres host=db.example.com hostaddr=198.18.0.1 port=5432 sslmode=disable";
      const slow = ["psql", "-X", "-c", "\\echo begun", "-c", "select pg_sleep(25)", told];
      const asked = nets.near.start(scene, ["setpriv", `--reuid=${ALICE}`, "--clear-groups", ...slow]);
      await asked.output("stdout", /begun/);
      await until("the query to run", async () => {
        const running = "select count(*) from pg_stat_activity where query = 'select pg_sleep(25)'";
        const { stdout } = await asUser(nets.near, ALICE, ["psql", "-X", "-Atc", running, told]);
        return stdout === "1\n";
      });
      asked.signal("SIGINT");
      await asked.output("stderr", /canceling statement due to user request/);
    });

    test.each([
      ["app", []],
      ["app", ["--compress"]],
      ["ed", []],
    ])("mariadb as %s %j", async (user, more) => {
      const told = mariadb(user, "secret", "--host=198.18.0.2", ...more);
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

    test("under exec, another user is refused at the same address", async () => {
      const [file, audit] = [
        config(
          "alone.toml",
          rules("", "")
            .join("")
            .replaceAll(/address.*/g, ""),
        ),
        scene.path("exec.jsonl"),
      ];
      const [place, over] = [scene.path("place"), scene.path("over")];
      for (const name of ["place", "exec.jsonl"]) chownSync(scene.write(name, ""), ALICE, ALICE);
      const wait = `getent ahostsv4 db.example.com > ${place}; until [ -e ${over} ]; do sleep 0.1; done`;
      const exec = [...portail.command, "tproxy", "exec", "--config", file, "--audit", audit, "--", "sh", "-c", wait];
      const running = nets.near.start(scene, [
        "setpriv",
        `--reuid=${ALICE}`,
        `--regid=${ALICE}`,
        "--clear-groups",
        ...exec,
      ]);
      const address = await until(
        "the address",
        async () => /^127\.77\.\d+\.\d+/.exec(await Bun.file(place).text())?.[0],
      );
      const { status } = await asUser(nets.near, 0, psql(`host=${address} port=5432 sslmode=disable`));
      expect(status).toBe(2);
      const trail = new AuditTrail(audit, () => running.stderr);
      expect(await trail.record("session")).toMatchObject({
        decision: "deny",
        reason: "wrong_user",
        program: { uid: 0 },
      });
      scene.write("over", "");
      expect(await running.ended).toBe(0);
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

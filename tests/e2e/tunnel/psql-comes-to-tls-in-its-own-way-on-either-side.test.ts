/** `--starttls postgres`: psql with a certificate to a server tunnel, and a client tunnel to a PostgreSQL that demands one. */
import { expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { authority, save } from "../../support/pki.ts";
import { openPostgres } from "../../support/postgres.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";

scenario(import.meta.file, ["openssl", "psql", "pg_createcluster", "setpriv"], ({ scene, portail }) => {
  const ca = authority();
  const cacert = scene.write("ca.pem", ca.cert);
  const server = save(scene, "server", ca.issue({ cn: "server" }));
  const alice = save(scene, "alice", ca.issue({ cn: "alice", san: [] }));
  const stranger = save(scene, "mallory", ca.issue({ cn: "mallory", san: [] }));
  const psql = (settings: string) =>
    run(["psql", "-X", "-Atc", "select 6 * 7", `user=ann dbname=postgres ${settings}`]);

  test("a server tunnel takes psql's certificate, and lets nobody in who has none", async () => {
    const database = await openPostgres(scene);
    const tunnel = await portail.tunnel({
      side: "server",
      target: `unix:${database.socket}/.s.PGSQL.${database.port}`,
      args: ["--keystore", server.keystore, "--cacert", cacert, "--allow-cn", "alice", "--starttls", "postgres"],
    });
    const to = `host=localhost hostaddr=127.0.0.1 port=${tunnel.port} sslmode=verify-full sslrootcert=${cacert}`;
    expect(await psql(`${to} sslcert=${alice.cert} sslkey=${privately(alice.key)}`)).toMatchObject({
      status: 0,
      stdout: "42\n",
    });
    expect(await tunnel.session()).toMatchObject({ decision: "allow", certificate: { subject: "CN=alice" } });

    tunnel.audit.forget();
    const other = await psql(`${to} sslcert=${stranger.cert} sslkey=${privately(stranger.key)}`);
    expect([other.status, other.stdout]).toEqual([2, ""]);
    expect(await tunnel.session()).toMatchObject({ decision: "deny", reason: "no_access_rule_matches" });

    tunnel.audit.forget();
    const clear = await psql(`host=127.0.0.1 port=${tunnel.port} sslmode=disable`);
    expect([clear.status, clear.stderr]).toEqual([2, expect.stringContaining("over TLS only (sslmode=require)")]);
    expect(await tunnel.session()).toMatchObject({ decision: "deny", reason: "postgres_plaintext" });
  });

  test("a client tunnel asks PostgreSQL for TLS, and refuses a server without it", async () => {
    const database = await openPostgres(scene, { cert: server.cert, key: server.key });
    const client = (target: string) =>
      portail.tunnel({
        side: "client",
        target,
        args: ["--keystore", alice.keystore, "--cacert", cacert, "--starttls", "postgres"],
      });
    const tunnel = await client(`localhost:${database.port}`);
    const asked = await run([
      "psql",
      "-X",
      "-Atc",
      "select ssl from pg_stat_ssl where pid = pg_backend_pid()",
      `user=ann dbname=postgres host=127.0.0.1 port=${tunnel.port} sslmode=disable`,
    ]);
    expect(asked).toMatchObject({ status: 0, stdout: "t\n" });
    expect(await tunnel.session()).toMatchObject({ decision: "allow", upstream: { subject: "CN=server" } });

    const plain = await openPostgres(scene);
    const refused = await client(`localhost:${plain.port}`);
    expect((await psql(`host=127.0.0.1 port=${refused.port} sslmode=disable`)).status).toBe(2);
    expect(await refused.session()).toMatchObject({ decision: "deny", reason: "postgres_refused" });
  });
});

/** libpq takes no key that others can read. */
function privately(key: string): string {
  chmodSync(key, 0o600);
  return key;
}

/** A tunnel for one connection (`--stdio`, as ssh's ProxyCommand) and for one program (`-- psql`): what they do, and what is left. */
import { beforeAll, expect, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync } from "node:fs";
import { authority, save } from "../../support/pki.ts";
import { openPostgres, type Postgres } from "../../support/postgres.ts";
import { run, start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { openSshd } from "../../support/sshd.ts";
import { until } from "../../support/until.ts";
import { content, digest } from "../../support/web.ts";

const SIZE = 2 * 1024 * 1024;
const NEEDS = ["openssl", "ssh", "ssh-keygen", "sshd", "psql", "pg_createcluster", "setpriv"];

scenario(import.meta.file, NEEDS, ({ scene, portail }) => {
  const ca = authority();
  const cacert = scene.write("ca.pem", ca.cert);
  const server = save(scene, "server", ca.issue({ cn: "server" }));
  const alice = save(scene, "alice", ca.issue({ cn: "alice", san: [] }));
  const mallory = save(scene, "mallory", ca.issue({ cn: "mallory", san: [] }));
  const behind = (target: string) =>
    portail.tunnel({
      side: "server",
      target,
      args: ["--keystore", server.keystore, "--cacert", cacert, "--allow-cn", "alice"],
    });
  const client = (port: number, keystore = alice.keystore) => [
    ...portail.command,
    "tunnel",
    "client",
    "--target",
    `localhost:${port}`,
    "--keystore",
    keystore,
    "--cacert",
    cacert,
  ];

  test("ssh, with the tunnel as its ProxyCommand", async () => {
    const sshd = await openSshd(scene);
    const tunnel = await behind(`127.0.0.1:${sshd.port}`);
    const ssh = (keystore: string, command: string, stdin: Uint8Array | string = "") => {
      const way = `ProxyCommand=${[...client(tunnel.port, keystore), "--stdio"].join(" ")}`;
      return run(["ssh", ...sshd.flags, "-o", way, `${sshd.user}@127.0.0.1`, command], { stdin });
    };
    const bytes = content(SIZE);
    const outcome = await ssh(alice.keystore, "sha256sum; exit 7", bytes);
    expect(outcome).toEqual({ status: 7, stdout: `${digest(bytes)}  -\n`, stderr: "" });
    expect((await tunnel.session()).sent).toBeGreaterThan(SIZE);

    tunnel.audit.forget();
    expect(await ssh(mallory.keystore, "true")).toMatchObject({ status: 255, stdout: "" });
    expect(await tunnel.session()).toMatchObject({ decision: "deny", reason: "no_access_rule_matches" });
  });

  let database: Postgres;
  beforeAll(async () => {
    database = await openPostgres(scene);
    chmodSync(scene.folder, 0o711);
  });
  const psql = (...args: string[]) => [
    "--",
    "psql",
    "-X",
    "-At",
    "-h",
    "{host}",
    "-p",
    "{port}",
    "-U",
    "ann",
    "postgres",
    ...args,
  ];

  test("psql, which gets the tunnel's address, and whose status is the command's", async () => {
    const tunnel = await behind(`127.0.0.1:${database.port}`);
    const before = tunnel.sockets();
    const good = await run([...client(tunnel.port), ...psql("-c", "select 6 * 7")]);
    expect(good).toEqual({ status: 0, stdout: "42\n", stderr: "" });
    const bad = await run([
      ...client(tunnel.port),
      ...psql("-v", "ON_ERROR_STOP=1", "-c", "select nonsense", "-c", "select 1"),
    ]);
    expect([bad.status, bad.stdout]).toEqual([1, ""]);
    const byEnvironment = await run([
      ...client(tunnel.port),
      "--env",
      "PGPORT={port}",
      "--env",
      "PGHOST={host}",
      "--",
      "psql",
      "-X",
      "-At",
      "-U",
      "ann",
      "postgres",
      "-c",
      "select 1",
    ]);
    expect(byEnvironment).toMatchObject({ status: 0, stdout: "1\n" });
    const path = scene.path("psql/.s.PGSQL.5432");
    scene.mkdir("psql");
    const bySocket = await run([
      ...client(tunnel.port),
      "--listen",
      `unix:${path}`,
      "--",
      "psql",
      "-X",
      "-At",
      "-h",
      scene.path("psql"),
      "-U",
      "ann",
      "postgres",
      "-c",
      "select 1",
    ]);
    expect(bySocket).toMatchObject({ status: 0, stdout: "1\n" });
    expect(readdirSync(scene.path("psql"))).toEqual([]);
    await until("no session left", () => tunnel.sockets() === before);
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`${signal} in the middle: the program is told, and nothing is left behind`, async () => {
      const tunnel = await behind(`127.0.0.1:${database.port}`);
      const before = tunnel.sockets();
      const program = start(scene, [...client(tunnel.port), ...psql("-c", "select pg_sleep(600)")]);
      await until("the query", async () => {
        const { stdout } = await database.psql(
          `host=127.0.0.1 port=${database.port}`,
          "-c",
          "select count(*) from pg_stat_activity where query like '%pg_sleep(600)%' and pid <> pg_backend_pid()",
        );
        return stdout === "1\n";
      });
      const children = readFileSync(`/proc/${program.pid}/task/${program.pid}/children`, "utf8").trim().split(" ");
      expect(children).toHaveLength(1);
      program.signal(signal);
      // psql cancels its query at SIGINT and ends with status 1; SIGTERM ends it.
      expect(await program.ended).toBe(signal === "SIGINT" ? 1 : 128 + 15);
      expect(() => process.kill(Number(children[0]), 0)).toThrow();
      await until("no session left", () => tunnel.sockets() === before);
    });
  }
});

/** `mux exec -- psql`, to a real PostgreSQL behind a gate of HAProxy: what psql is told, its status, and what is left. */
import { beforeAll, expect, test } from "bun:test";
import { chmodSync, existsSync, readdirSync, readFileSync, utimesSync } from "node:fs";
import { authority, save } from "../../support/pki.ts";
import { openPostgres, type Postgres } from "../../support/postgres.ts";
import { run, start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { TerminalProgram } from "../../support/terminal.ts";
import { openGate } from "../../support/tls-gate.ts";
import { until } from "../../support/until.ts";

const NEEDS = ["openssl", "haproxy", "psql", "pg_createcluster", "setpriv"];
const SLEEP = "select pg_sleep(600)";

scenario(import.meta.file, NEEDS, ({ scene, portail }) => {
  const ca = authority();
  const cacert = scene.write("ca.pem", ca.cert);
  const gate = save(scene, "gate", ca.issue({ cn: "gate", san: ["DNS:db.example"] }));
  const alice = save(scene, "alice", ca.issue({ cn: "alice", san: [] }));
  // For the folder of the socket, and for nothing else.
  const env = {
    TMPDIR: scene.mkdir("tmp"),
    // A server that sleeps looks no other way whether its client is there.
    PGOPTIONS: "-c client_connection_check_interval=100ms",
  };
  let database: Postgres;
  let port: number;

  beforeAll(async () => {
    database = await openPostgres(scene);
    chmodSync(scene.folder, 0o711);
    const route = { serverName: "db.example", protocolId: "postgresql", target: `127.0.0.1:${database.port}` };
    port = await openGate(scene, [route], { keystore: gate.keystore, cacert });
  });

  const exec = (...args: string[]) => {
    const way = [`127.0.0.1:${port}`, "--server-name", "db.example", "--alpn", "postgresql", "--cacert", cacert];
    return [...portail.command, "mux", "exec", ...way, "--keystore", alice.keystore, ...args];
  };
  const psql = (...args: string[]) => ["psql", "-X", "-At", "-U", "ann", "postgres", ...args];
  const nothingLeft = async () => {
    expect(readdirSync(env.TMPDIR)).toEqual([]);
    await until("the connections to be gone", async () => (await others()) === "0\n");
  };
  const others = async () => {
    const query =
      "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()";
    return (await database.psql(`host=127.0.0.1 port=${database.port}`, "-c", query)).stdout;
  };
  /** One that nobody has asked for its status has no command line any more. */
  const isRunning = (pid: string) => {
    const file = `/proc/${pid}/cmdline`;
    return existsSync(file) && readFileSync(file, "utf8") !== "";
  };
  const childrenOf = (pid: number) => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  const sleeping = () =>
    until("the query", async () => {
      const query = `select count(*) from pg_stat_activity where query = '${SLEEP}'`;
      return (await database.psql(`host=127.0.0.1 port=${database.port}`, "-c", query)).stdout === "1\n";
    });

  test("by a socket in a folder that only this user can enter", async () => {
    const good = await run(exec("--", ...psql("-c", "select 6 * 7")), { env: { ...env, PGHOSTADDR: "127.0.0.9" } });
    expect(good).toEqual({ status: 0, stdout: "42\n", stderr: "" });
    const shell = await run(exec("--preset", "psql", "--", "sh", "-c", 'stat -c "%a %F" "$PGHOST" "$PGHOST"/.s*'), {
      env,
    });
    expect(shell.stdout).toMatch(/^700 directory\n\d+ socket\n$/);
    await nothingLeft();
  });

  test("the status is that of psql", async () => {
    const bad = await run(exec("--", ...psql("-c", "select nonsense")), { env });
    expect([bad.status, bad.stdout]).toEqual([1, ""]);
    const script = await run(exec("--", ...psql("-v", "ON_ERROR_STOP=1", "-f", "-")), {
      env,
      stdin: "select nonsense;",
    });
    expect([script.status, script.stdout]).toEqual([3, ""]);
    await nothingLeft();
  });

  test.each([
    ["a port", ["--listen", "127.0.0.1:0"]],
    ["a socket that was named", ["--listen", `unix:${scene.path("own.d/.s.PGSQL.7")}`]],
  ])("by %s", async (_, flags) => {
    scene.mkdir("own.d");
    const outcome = await run(exec(...flags, "--", ...psql("-c", "select 1")), { env });
    expect(outcome).toEqual({ status: 0, stdout: "1\n", stderr: "" });
    expect(readdirSync(scene.path("own.d"))).toEqual([]);
    await nothingLeft();
  });

  test("by templates, which the preset leaves alone", async () => {
    const where = `host={host} port={port} user=ann dbname=postgres`;
    const outcome = await run(exec("--", "psql", "-X", "-At", where, "-c", "select 2"), { env });
    expect(outcome).toEqual({ status: 0, stdout: "2\n", stderr: "" });
    await nothingLeft();
  });

  test("a server that is not who it should be is said beside psql's own words", async () => {
    const way = [`127.0.0.1:${port}`, "--server-name", "other.example", "--alpn", "postgresql", "--cacert", cacert];
    const command = [...portail.command, "mux", "exec", ...way, "--keystore", alice.keystore, "--", ...psql()];
    const outcome = await run(command, { env });
    expect(outcome).toMatchObject({ status: 2, stdout: "" });
    expect(outcome.stderr).toContain("reason=server_name_mismatch");
    await nothingLeft();
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`${signal} in the middle: psql is told`, async () => {
      const program = start(scene, exec("--", ...psql("-c", SLEEP)), { env });
      await sleeping();
      const children = childrenOf(program.pid);
      expect(children).toHaveLength(1);
      program.signal(signal);
      // psql cancels its query at SIGINT, by a second connection, and ends with status 1; SIGTERM ends it.
      expect(await program.ended).toBe(signal === "SIGINT" ? 1 : 128 + 15);
      expect(() => process.kill(Number(children[0]), 0)).toThrow();
      await nothingLeft();
    });
  }

  test("SIGKILL leaves no time: the next one removes what lies there", async () => {
    const program = start(scene, exec("--", ...psql("-c", SLEEP)), { env });
    await sleeping();
    const [child] = childrenOf(program.pid);
    await program.kill();
    // Its way is gone, and so it ends.
    await until("psql to end", () => !isRunning(child!));
    const [left] = readdirSync(env.TMPDIR);
    const later = exec("--", ...psql("-c", "select 1"));
    expect((await run(later, { env })).stdout).toBe("1\n");
    // One that may be somebody's who is about to listen is not touched.
    expect(readdirSync(env.TMPDIR)).toEqual([left!]);
    utimesSync(`${env.TMPDIR}/${left}`, 0, 0);
    expect((await run(later, { env })).stdout).toBe("1\n");
    await nothingLeft();
  });

  test("^C on a terminal: the query is cancelled, and psql goes on", async () => {
    const program = new TerminalProgram(scene, exec("--", ...psql("-v", "PROMPT1=ready> ")), { ...env, PAGER: "cat" });
    await program.shows(/ready> /);
    program.type(`${SLEEP};\n`);
    await until("the query", async () => (await others()) === "1\n");
    await until("the query to run", async () => {
      const query = "select count(*) from pg_stat_activity where query like 'select pg_sleep(600)%'";
      return (await database.psql(`host=127.0.0.1 port=${database.port}`, "-c", query)).stdout === "1\n";
    });
    program.type("\u0003");
    await program.shows(/canceling statement due to user request/);
    program.type("\\q\n");
    expect(await program.ended).toBe(0);
    await nothingLeft();
  });
});

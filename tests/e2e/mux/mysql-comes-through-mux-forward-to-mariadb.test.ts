/** `mux forward`: its port and its UNIX socket lead MariaDB's clients, whose own TLS comes too late to be routed by, to a real server behind a gate of HAProxy. */
import { existsSync } from "node:fs";
import { beforeAll, expect, test } from "bun:test";
import { startMariaDb } from "../../support/mariadb.ts";
import { OwnNetwork } from "../../support/own-network.ts";
import { authority, save } from "../../support/pki.ts";
import type { Program } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { openGate } from "../../support/tls-gate.ts";

const NEEDS = [
  "ip",
  "unshare",
  "nsenter",
  "openssl",
  "haproxy",
  "mariadb",
  "mariadbd",
  "mariadb-dump",
  "mariadb-install-db",
];
const GATE = 443;

scenario(import.meta.file, NEEDS, ({ scene, portail }) => {
  const ca = authority();
  const cacert = scene.write("ca.pem", ca.cert);
  const gate = save(scene, "gate", ca.issue({ cn: "gate", san: ["DNS:mysql.example"] }));
  const identity = save(scene, "alice", ca.issue({ cn: "alice", san: [] }));
  const socket = scene.path("mysql.sock");
  const way = [`127.0.0.1:${GATE}`, "--server-name", "mysql.example", "--alpn", "h2,mysql", "--cacert", cacert];
  const signed = [...way, "--keystore", identity.keystore];
  let net: OwnNetwork;
  let forward: Program;

  beforeAll(async () => {
    net = await OwnNetwork.open(scene);
    await startMariaDb(scene, { port: 3306, prefix: net.prefix });
    const route = { serverName: "mysql.example", protocolId: "mysql", target: "127.0.0.1:3306" };
    await openGate(scene, [route], { keystore: gate.keystore, cacert, port: GATE, prefix: net.prefix });
    const listen = ["--listen", "localhost:3307", "--listen", `unix:${socket}`];
    forward = net.start(scene, [...portail.command, "mux", "forward", ...signed, ...listen]);
    await forward.output("stderr", /listening on .*3307.*mysql\.sock/);
  }, 120_000);

  const asApp = ["--user=app", "--password=secret", "app"];
  const mariadb = (...args: string[]) => net.run(["mariadb", "--no-defaults", ...args]);

  test("by the port, and by the socket", async () => {
    const made = await mariadb(
      "--protocol=tcp",
      "--port=3307",
      ...asApp,
      "-e",
      "create table t (n int); insert into t values (6), (7)",
    );
    expect(made).toEqual({ status: 0, stdout: "", stderr: "" });
    const read = await mariadb(`--socket=${socket}`, ...asApp, "-N", "-e", "select sum(n) from t");
    expect(read).toEqual({ status: 0, stdout: "13\n", stderr: "" });
  });

  test("by mux exec, which tells the client and its dump", async () => {
    const exec = [...portail.command, "mux", "exec", ...signed, "--"];
    const read = await net.run([...exec, "mariadb", "--no-defaults", ...asApp, "-N", "-e", "select @@port, user()"]);
    expect(read).toMatchObject({ status: 0, stdout: "3306\tapp@localhost\n" });
    const dump = await net.run([...exec, "mariadb-dump", "--no-defaults", ...asApp]);
    expect(dump.stdout).toContain("INSERT INTO `t` VALUES");
    const bad = await net.run([...exec, "mariadb", "--no-defaults", ...asApp, "-e", "select nonsense"]);
    expect(bad).toMatchObject({ status: 1, stdout: "" });
  });

  test("a connection that comes to nothing is said, and the next one served", async () => {
    const listen = ["--listen", "127.0.0.1:3308"];
    const other = net.start(scene, [...portail.command, "mux", "forward", ...way, ...listen]);
    await other.output("stderr", /listening on/);
    expect((await mariadb("--protocol=tcp", "--port=3308", ...asApp, "-e", "select 1")).status).toBe(1);
    await other.output("stderr", /alert certificate required.*reason=tls_alert/);
    expect(other.running).toBe(true);
  });

  test("SIGHUP takes up another certificate, and keeps the old one where the new one does not do", async () => {
    const stranger = authority("Another CA").issue({ cn: "alice", san: [] });
    const { keystore } = save(scene, "own", stranger);
    const listen = ["--listen", "127.0.0.1:3309"];
    const own = net.start(scene, [...portail.command, "mux", "forward", ...way, "--keystore", keystore, ...listen]);
    await own.output("stderr", /listening on/);
    const status = async () => (await mariadb("--protocol=tcp", "--port=3309", ...asApp, "-e", "select 1")).status;
    expect(await status()).toBe(1);
    scene.write("own.pem", await Bun.file(identity.keystore).text());
    own.signal("SIGHUP");
    await own.output("stderr", /reloaded certificate and trust/);
    expect(await status()).toBe(0);
    scene.write("own.pem", "nothing of the kind");
    own.signal("SIGHUP");
    await own.output("stderr", /the reload failed, what was loaded before stays in force/);
    expect(await status()).toBe(0);
  });

  test("SIGTERM takes port and socket away", async () => {
    forward.signal("SIGTERM");
    expect(await forward.ended).toBe(0);
    expect(existsSync(socket)).toBe(false);
    expect((await mariadb("--protocol=tcp", "--port=3307", ...asApp, "-e", "select 1")).status).toBe(1);
  });
});

/** Must hold for those who come from ghostunnel: its two command lines, word for word, in front of real databases. */
import { beforeAll, expect, test } from "bun:test";
import { startMariaDb } from "../../support/mariadb.ts";
import { OwnNetwork } from "../../support/own-network.ts";
import { authority, save } from "../../support/pki.ts";
import { openPostgres } from "../../support/postgres.ts";
import type { Program } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";

const LONG = process.env["PORTAIL_LONG"] === "1";
/** Rows of random text, 1 KiB each: 4 MiB, or 1 GiB. */
const ROWS = LONG ? 1024 * 1024 : 4096;
/** Milliseconds for one dump or restore. */
const PATIENCE = LONG ? 1_800_000 : 20_000;

const NEEDS = [
  "ip",
  "unshare",
  "nsenter",
  "setpriv",
  "openssl",
  "mariadb",
  "mariadbd",
  "mariadb-install-db",
  "psql",

  "pg_createcluster",
];

scenario(import.meta.file, NEEDS, ({ scene, portail }) => {
  let net: OwnNetwork;
  const ca = authority();
  const trust = scene.write("cacert.pem", ca.cert);
  const server = save(scene, "server", ca.issue({ cn: "server", san: ["DNS:ghostunnel", "DNS:localhost"] }));
  const { keystore } = save(scene, "test", ca.issue({ cn: "test", san: ["DNS:test"] }));

  beforeAll(async () => {
    net = await OwnNetwork.open(scene);
    const own = save(scene, "postgres", ca.issue({ cn: "postgres" }));
    const place = { port: 5433, prefix: net.prefix };
    const mariadb = startMariaDb(scene, { port: 3306, prefix: net.prefix });
    const [, { psql }] = await Promise.all([mariadb, openPostgres(scene, own, place)]);
    for (const name of ["app", "copy"]) await psql("host=127.0.0.1 port=5433", "-c", `create database ${name}`);
  }, 120_000);

  const tunnel = async (line: string): Promise<Program> => {
    const program = net.start(scene, [...portail.command, "tunnel", ...line.split(" ")]);
    await program.output("stderr", /listening on/);
    return program;
  };
  const mysql = (port: number, args: string[], stdin?: string) =>
    net.run(["mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", String(port), "-u", "app", "-psecret", ...args], {
      ...(stdin === undefined ? {} : { stdin }),
      patience: PATIENCE,
    });
  const shell = (script: string) => net.run(["bash", "-o", "pipefail", "-c", script], { patience: PATIENCE });

  test(
    "server: in front of MariaDB",
    async () => {
      await tunnel(
        `server --listen localhost:8306 --target localhost:3306 --cert ${server.cert} --key ${server.key} --cacert ${trust} --allow-all`,
      );
      await tunnel(
        `client --listen localhost:13306 --target localhost:8306 --cacert ${trust} --keystore ${keystore} --override-server-name ghostunnel`,
      );
      const rows = `CREATE TABLE app.t (id INT PRIMARY KEY, body VARCHAR(1100)); SET max_recursive_iterations = 100000000;
        INSERT INTO app.t WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
        SELECT i, REPEAT(MD5(i), 32) FROM n;`;
      expect(await mysql(13306, ["app", "-e", rows])).toMatchObject({ status: 0 });
      const dump = "mariadb-dump --no-defaults -h 127.0.0.1 -P 13306 -u app -psecret --single-transaction app t";
      const restore = "mariadb --no-defaults -h 127.0.0.1 -P 13306 -u app -psecret copy";
      const checksum = async (database: string) =>
        (await mysql(3306, ["-N", "-e", `CHECKSUM TABLE ${database}.t EXTENDED`])).stdout.replace(`${database}.t`, "");
      const before = await checksum("app");
      expect(before).toMatch(/^\t\d+\n$/);
      expect(await shell(`${dump} | ${restore}`)).toMatchObject({ status: 0 });
      expect(await checksum("copy")).toBe(before);
      expect((await mysql(3306, ["copy", "-N", "-e", "SELECT COUNT(*) FROM t"])).stdout).toBe(`${ROWS}\n`);
    },
    PATIENCE * 3,
  );

  test(
    "client: for PostgreSQL, whose own TLS goes through as well",
    async () => {
      await tunnel(
        `server --listen localhost:9432 --target localhost:5433 --cert ${server.cert} --key ${server.key} --cacert ${trust} --allow-all`,
      );
      await tunnel(
        `client --listen localhost:5432 --target localhost:9432 --cacert ${trust} --keystore ${keystore} --override-server-name ghostunnel`,
      );
      const psql = "psql -X -q -v ON_ERROR_STOP=1 -h localhost -p 5432 -U ann";
      const fill = `CREATE TABLE t AS SELECT i, repeat(md5(i::text), 32) AS body FROM generate_series(1, ${ROWS}) AS i`;
      expect(await shell(`${psql} app -c "${fill}"`)).toMatchObject({ status: 0 });
      const sum = async (database: string) =>
        (await shell(`${psql} ${database} -Atc "SELECT count(*), md5(string_agg(md5(body), '' ORDER BY i)) FROM t"`))
          .stdout;
      const before = await sum("app");
      expect(before).toMatch(new RegExp(`^${ROWS}\\|[0-9a-f]{32}\\n$`));
      const again = `pg_dump -h localhost -p 5432 -U ann app | ${psql} copy`;
      expect(await shell(again)).toMatchObject({ status: 0 });
      expect(await sum("copy")).toBe(before);
      // With TLS of its own, psql asks for it in its protocol, and gets it from the server behind the tunnel.
      const own = "host=localhost port=5432 user=ann dbname=app sslmode=require";
      const asked = await net.run([
        "psql",
        "-X",
        "-Atc",
        "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        own,
      ]);
      expect(asked.stdout).toMatch(/^t\|TLSv1\.[23]\n$/);
    },
    PATIENCE * 3,
  );
});

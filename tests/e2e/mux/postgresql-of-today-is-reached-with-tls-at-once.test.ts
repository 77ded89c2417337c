/** libpq and a server of today: TLS at once passes as it is, and the long keys of protocol 3.2 cancel. */
import { beforeAll, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { RunningMux } from "../../support/mux-scene.ts";
import { freePort } from "../../support/free-port.ts";
import { authority, save } from "../../support/pki.ts";
import { openPostgres, type Postgres } from "../../support/postgres.ts";
import { postgresOfToday } from "../../support/postgres-of-today.ts";
import { CANCEL, psycopg, psycopgLibrary } from "../../support/psycopg.ts";
import { scenario } from "../../support/scenario.ts";

/** Of the connection to argv[1]: the version of the server, and whether it sees TLS. */
const LOOK = `
import psycopg, sys
with psycopg.connect(sys.argv[1]) as connection:
    print(connection.info.server_version // 10000, connection.execute("select ssl from pg_stat_ssl where pid = pg_backend_pid()").fetchone()[0])
`;

scenario(
  import.meta.file,
  ["openssl", "psql", "python3:pip", "setpriv"],
  ({ scene, portail }) => {
    const ca = authority();
    const cacert = scene.write("ca.pem", ca.cert);
    const own = save(scene, "own", ca.issue({ san: ["DNS:pass.example", "DNS:ended.example", "DNS:again.example"] }));
    let database: Postgres;
    let mux: RunningMux;

    beforeAll(async () => {
      const programs = await postgresOfToday(scene);
      await psycopgLibrary();
      chmodSync(scene.folder, 0o711);
      database = await openPostgres(scene, own, { port: freePort(), prefix: [], programs });
      const target = `127.0.0.1:${database.port}`;
      const routes = [
        { name: "pass", "server-name": "pass.example", starttls: "postgres", target },
        { name: "ended", "server-name": "ended.example", starttls: "postgres", terminate: true, target },
        {
          name: "again",
          "server-name": "again.example",
          starttls: "postgres",
          terminate: true,
          "target-tls": true,
          "target-trust": "ours",
          "target-server-name": "again.example",
          target,
        },
        // So that a cancellation whose key is not known comes to nothing.
        { name: "rest", "first-bytes": ["postgres-cancel"], target: "127.0.0.1:9" },
      ];
      const tables = { trusts: { ours: { cacert } }, routes };
      mux = await RunningMux.open(scene, portail, tables, ["--cert", own.cert, "--key", own.key]);
    }, 360_000);

    const at = (name: string, negotiation: string) =>
      `host=${name}.example hostaddr=127.0.0.1 port=${mux.port} user=ann dbname=postgres sslmode=verify-full ` +
      `sslrootcert=${cacert} sslnegotiation=${negotiation} max_protocol_version=3.2`;

    test.each([
      ["pass", "direct", "True"],
      ["pass", "postgres", "True"],
      ["ended", "direct", "False"],
      // Its target takes TLS at once as well, and is asked for the id that was agreed upon.
      ["again", "direct", "True"],
      ["again", "postgres", "True"],
    ])("to %s, sslnegotiation=%s", async (name, negotiation, secured) => {
      const { status, stdout, stderr } = await psycopg(LOOK, at(name, negotiation));
      expect([status, stdout, stderr]).toEqual([0, `18 ${secured}\n`, ""]);
    });

    test.each([
      ["pass", "cancel_safe"],
      ["ended", "cancel_safe"],
      ["ended", "cancel"],
      ["again", "cancel_safe"],
      ["again", "cancel"],
    ])("to %s, by %s", async (name, method) => {
      const watch = `host=${database.socket} port=${database.port} user=ann dbname=postgres`;
      const { status, stdout, stderr } = await psycopg(CANCEL, at(name, "direct"), watch, method);
      expect([status, stdout, stderr]).toEqual([0, "canceling statement due to user request\n", ""]);
    });
  },
  ["binary"],
);

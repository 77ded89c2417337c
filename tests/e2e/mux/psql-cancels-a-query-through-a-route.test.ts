/** ^C in psql: the cancellation comes on a connection of its own, in the clear and without a name, and still finds its server. */
import { beforeAll, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { connect } from "node:net";
import { RunningMux } from "../../support/mux-scene.ts";
import { authority, save } from "../../support/pki.ts";
import { openPostgres, type Postgres } from "../../support/postgres.ts";
import { start } from "../../support/program.ts";
import { CANCEL, psycopg, psycopgLibrary } from "../../support/psycopg.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";

const SLEEP = "select pg_sleep(600)";

scenario(
  import.meta.file,
  ["openssl", "python3:pip", "psql", "pg_createcluster", "setpriv"],
  ({ scene, portail }) => {
    const ca = authority();
    const cacert = scene.write("ca.pem", ca.cert);
    const own = save(
      scene,
      "own",
      ca.issue({ san: ["DNS:one.example", "DNS:two.example", "DNS:both.example", "DNS:pass.example"] }),
    );
    const databases: Postgres[] = [];
    let mux: RunningMux;

    beforeAll(async () => {
      const opened = [openPostgres(scene), openPostgres(scene), openPostgres(scene, own)];
      databases.push(...(await Promise.all(opened)));
      await psycopgLibrary();
      chmodSync(scene.folder, 0o711);
      const [one, two, passed] = databases;
      const unix = ({ socket, port }: Postgres) => `unix:${socket}/.s.PGSQL.${port}`;
      mux = await RunningMux.open(
        scene,
        portail,
        {
          routes: [
            {
              name: "both",
              "server-name": "both.example",
              starttls: "postgres",
              terminate: true,
              target: [unix(one!), unix(two!)],
              "target-order": "rotate",
            },
            { name: "one", "server-name": "one.example", starttls: "postgres", terminate: true, target: unix(one!) },
            { name: "two", "server-name": "two.example", starttls: "postgres", terminate: true, target: unix(two!) },
            { name: "pass", "server-name": "pass.example", starttls: "postgres", target: `127.0.0.1:${passed!.port}` },
            { name: "rest", "first-bytes": ["postgres-cancel"], target: `127.0.0.1:${passed!.port}` },
          ],
        },
        ["--cert", own.cert, "--key", own.key],
      );
    }, 360_000);

    const at = (name: string) =>
      `host=${name}.example hostaddr=127.0.0.1 port=${mux.port} user=ann dbname=postgres sslmode=verify-full sslrootcert=${cacert}`;

    /** How many sleep there. */
    const sleeping = async ({ socket, port, psql }: Postgres) => {
      const query = `select count(*) from pg_stat_activity where query = '${SLEEP}' and state = 'active'`;
      return (await psql(`user=ann dbname=postgres host=${socket} port=${port}`, "-Atc", query)).stdout.trim();
    };

    test.each([
      ["one", "one", 0],
      ["two", "two", 1],
      ["pass", "rest", 2],
    ])("to %s, by the route %s", async (name, by, nth) => {
      mux.audit.forget();
      const psql = start(scene, ["psql", "-X", "-c", SLEEP, at(name)]);
      const ask = () => sleeping(databases[nth]!);
      await until("the query", async () => (await ask()) === "1");
      psql.signal("SIGINT");
      expect(await psql.ended).toBe(1);
      expect(psql.stderr).toContain("canceling statement due to user request");
      expect(await ask()).toBe("0");
      expect(await mux.session(({ route, hello }) => route === by && hello === undefined)).toMatchObject({
        decision: "allow",
        sent: 16,
      });
    });

    test.each([
      ["one", 0, "cancel", "postgres"],
      ["one", 0, "cancel_safe", "direct"],
      ["both", 0, "cancel_safe", "postgres"],
      ["both", 1, "cancel_safe", "direct"],
      ["pass", 2, "cancel", "postgres"],
      ["pass", 2, "cancel_safe", "postgres"],
    ])("libpq of today, to %s (server %d), by %s, sslnegotiation=%s", async (name, nth, method, negotiation) => {
      const { socket, port } = databases[nth]!;
      const watch = `host=${socket} port=${port} user=ann dbname=postgres`;
      const { status, stdout, stderr } = await psycopg(
        CANCEL,
        `${at(name)} sslnegotiation=${negotiation}`,
        watch,
        method,
      );
      expect([status, stdout, stderr]).toEqual([0, "canceling statement due to user request\n", ""]);
    });

    test("mux exec wraps the cancellation of its psql, which finds the one of two servers", async () => {
      const way = [
        `127.0.0.1:${mux.port}`,
        "--server-name",
        "both.example",
        "--alpn",
        "postgresql",
        "--cacert",
        cacert,
      ];
      const busy = async () => (await Promise.all(databases.slice(0, 2).map(sleeping))).join(" ");
      for (const where of ["1 0", "0 1"]) {
        const psql = portail.start(["mux", "exec", ...way, "--", "psql", "-X", "-c", SLEEP, "-U", "ann", "postgres"]);
        await until("the query", async () => (await busy()) === where);
        psql.signal("SIGINT");
        expect(await psql.ended).toBe(1);
        expect(psql.stderr).toContain("canceling statement due to user request");
        expect(await busy()).toBe("0 0");
      }
    });

    test("who says nothing once TLS has ended is not waited for", async () => {
      const port = databases[0]!.port;
      const routes = [{ name: "db", starttls: "postgres", terminate: true, target: `127.0.0.1:${port}` }];
      const flags = ["--cert", own.cert, "--key", own.key, "--hello-timeout", "1s"];
      const impatient = await RunningMux.open(scene, portail, { routes }, flags);
      const to = ["-connect", `127.0.0.1:${impatient.port}`, "-starttls", "postgres"];
      const client = start(scene, ["openssl", "s_client", ...to, "-quiet"], { feed: true });
      expect(await impatient.session()).toMatchObject({ reason: "hello_timeout", tls: { version: "TLSv1.3" } });
      await client.ended;
      expect(await impatient.stop()).toBe(0);
    });

    test("a key that nobody has goes to the route for the rest, and bytes sent before TLS are refused", async () => {
      mux.audit.forget();
      connect(mux.port, "127.0.0.1").end(Buffer.from("0000001004d2162e0000000100000002", "hex"));
      expect(await mux.session()).toMatchObject({ route: "rest", decision: "allow" });
      mux.audit.forget();
      const pipelined = connect(mux.port, "127.0.0.1");
      pipelined.write(Buffer.from("0000000804d2162f160301", "hex"));
      expect(await mux.session()).toMatchObject({ decision: "deny", reason: "postgres_pipelined" });
      pipelined.destroy();
      expect(await mux.stop()).toBe(0);
    });
  },
  ["binary"],
);

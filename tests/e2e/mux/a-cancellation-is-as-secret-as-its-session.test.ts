/** ^C in psql where TLS begins anew with the target: the key of the session goes there in TLS as well, never in the clear. */
import { expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { RunningMux } from "../../support/mux-scene.ts";
import { authority, save } from "../../support/pki.ts";
import { openPostgres } from "../../support/postgres.ts";
import { start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";

/** PostgreSQL's request for TLS, and what a cancellation begins with. */
const REQUEST = "0000000804d2162f";
const CANCEL = "04d2162e";

scenario(
  import.meta.file,
  ["openssl", "psql", "pg_createcluster", "setpriv"],
  ({ scene, portail }) => {
    /** Leads to `port`, and keeps what each client says. */
    async function watch(port: number) {
      const said: Buffer[] = [];
      const server = createServer((client) => {
        const nth = said.push(Buffer.alloc(0)) - 1;
        const far = connect(port, "127.0.0.1");
        client.on("data", (chunk: Buffer) => (said[nth] = Buffer.concat([said[nth]!, chunk])));
        client.on("error", () => far.destroy());
        far.on("error", () => client.destroy());
        client.pipe(far).pipe(client);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      scene.defer(() => void server.close());
      return { port: (server.address() as AddressInfo).port, said };
    }

    test("the server cancels, and nobody on the way reads what", async () => {
      const ca = authority();
      const cacert = scene.write("ca.pem", ca.cert);
      const own = save(scene, "own", ca.issue({ san: ["DNS:db.example"] }));
      const database = await openPostgres(scene, { cert: own.cert, key: own.key });
      chmodSync(scene.folder, 0o711);
      const way = await watch(database.port);
      const route = {
        name: "db",
        "server-name": "db.example",
        starttls: "postgres",
        terminate: true,
        target: `127.0.0.1:${way.port}`,
        "target-tls": true,
        "target-starttls": "postgres",
        "target-trust": "own",
        "target-server-name": "db.example",
      };
      const flags = ["--cert", own.cert, "--key", own.key];
      const mux = await RunningMux.open(scene, portail, { trusts: { own: { cacert } }, routes: [route] }, flags);
      const to = `host=db.example hostaddr=127.0.0.1 port=${mux.port} sslmode=verify-full sslrootcert=${cacert}`;
      const psql = start(scene, ["psql", "-X", "-c", "select pg_sleep(600)", `user=ann dbname=postgres ${to}`]);
      const running = "select count(*) from pg_stat_activity where query = 'select pg_sleep(600)' and state = 'active'";
      const direct = `host=${database.socket} port=${database.port}`;
      await until("the query", async () => (await database.psql(direct, "-c", running)).stdout.trim() === "1");
      psql.signal("SIGINT");
      expect(await psql.ended).toBe(1);
      expect(psql.stderr).toContain("canceling statement due to user request");
      expect(await mux.session(({ hello }) => hello === undefined)).toMatchObject({
        route: "db",
        decision: "allow",
        sent: 16,
      });
      expect(way.said.map((bytes) => bytes.subarray(0, 8).toString("hex"))).toEqual([REQUEST, REQUEST]);
      expect(way.said.map((bytes) => bytes.includes(Buffer.from(CANCEL, "hex")))).toEqual([false, false]);
      expect(await mux.stop()).toBe(0);
    });
  },
  ["source"],
);

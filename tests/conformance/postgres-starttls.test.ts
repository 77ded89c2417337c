/** The way to TLS with real PostgreSQL: psql to our server's side, and our client's side to its server, with queries through both. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Conn } from "../../lib/net/conn.ts";
import { Deadlines } from "../../lib/net/deadlines.ts";
import { KeepAlive } from "../../lib/net/keep-alive.ts";
import { endWith } from "../../lib/net/linger.ts";
import { openListener } from "../../lib/net/listen.ts";
import { runPreface } from "../../lib/net/preface.ts";
import { Relay } from "../../lib/net/relay.ts";
import { secure } from "../../lib/net/tls.ts";
import { createContext } from "../../lib/net/tls-context.ts";
import { TlsFailure } from "../../lib/net/tls-failure.ts";
import { PostgresClient, PostgresServer } from "../../lib/session/postgres-starttls.ts";
import { leaveOut, missing } from "../support/needs.ts";
import { openPostgres, type Postgres } from "../support/postgres.ts";
import { run } from "../support/program.ts";
import { Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";
import { dial, Notes } from "../unit/lib/net/support.ts";

setDefaultTimeout(120_000);

const NEEDS = missing(["pg_createcluster", "psql", "openssl", "setpriv"]);
const scene = new Scene();
afterAll(() => scene.close());

const deadlines = new Deadlines(30_000);
const keepAlive = new KeepAlive(0);
const NOTHING = { bytes: new Uint8Array(0), ended: false };

/** Accepts on a port, and hands each connection to `serve`; what `serve` rejects with ends it. */
async function open(serve: (conn: Conn) => Promise<void>): Promise<{ port: number; failures: unknown[] }> {
  const failures: unknown[] = [];
  const accept = (conn: Conn) =>
    void serve(conn).catch((error: unknown) => {
      failures.push(error);
      if (!conn.closed) conn.destroy();
    });
  const listener = await openListener({ kind: "tcp", host: "127.0.0.1", port: 0 }, {}, { keepAlive, accept });
  scene.defer(() => listener.close());
  return { port: (listener.address as { port: number }).port, failures };
}

function relay(client: Conn, upstream: Conn): void {
  const limits = { idle: 0, lifetime: 0, halfClosed: 0 };
  void new Relay(client, upstream, limits, NOTHING, { relayEnded() {} });
}

const QUERY = ["-c", "select sum(n) from generate_series(1, 100000) n"];
const SUM = { status: 0, stdout: "5000050000\n", stderr: "" };

if (NEEDS.length > 0) leaveOut("the way to TLS with real PostgreSQL", NEEDS);
else {
  let server: Postgres;
  let plain: Postgres;
  let cert = "";
  let key = "";

  beforeAll(async () => {
    [cert, key] = [scene.path("cert.pem"), scene.path("key.pem")];
    const kind = "-x509 -days 2 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256".split(" ");
    const names = ["-subj", "/CN=db", "-addext", "subjectAltName=DNS:localhost"];
    const made = await run(["openssl", "req", ...kind, ...names, "-keyout", key, "-out", cert]);
    if (made.status !== 0) throw new Error(made.stderr);
    [server, plain] = await Promise.all([openPostgres(scene, { cert, key }), openPostgres(scene)]);
  });

  describe("our server's side, in front of a server without TLS", () => {
    let port = 0;
    let failures: unknown[] = [];

    beforeAll(async () => {
      const context = createContext({
        material: { cert: await Bun.file(cert).text(), key: await Bun.file(key).text() },
      });
      ({ port, failures } = await open(async (conn) => {
        const outcome = await runPreface(conn, new PostgresServer(), deadlines);
        if (!outcome.ok) {
          endWith(conn, outcome.bytes, () => {});
          failures.push(outcome.code);
          return;
        }
        const options = {
          context,
          requestCert: false,
          verify: false,
          protocolIds: ["postgresql"],
          deadlines,
          keepAlive,
        };
        const secured = await secure(conn, outcome.early, true, options);
        if (secured instanceof TlsFailure) throw secured;
        relay(secured, await dial([{ ip: "127.0.0.1", port: plain.port }], 20_000));
      }));
    });

    const at = (settings: string) => `host=localhost hostaddr=127.0.0.1 port=${port} ${settings}`;

    test.each(["require", "verify-full"])("psql with sslmode=%s", async (mode) => {
      const outcome = await plain.psql(at(`sslmode=${mode} sslrootcert=${cert}`), ...QUERY);
      expect(outcome).toEqual(SUM);
    });

    test("many rows", async () => {
      const { status, stdout } = await plain.psql(
        at("sslmode=require"),
        "-c",
        "select repeat('x', 1000) from generate_series(1, 20000)",
      );
      expect([status, stdout.length]).toEqual([0, 20_000 * 1001]);
    });

    test("psql without TLS is told why not, and gets no session", async () => {
      const { status, stderr } = await plain.psql(at("sslmode=disable"), "-c", "select 1");
      expect(status).toBe(2);
      expect(stderr).toContain("FATAL:  this server takes connections over TLS only (sslmode=require)");
      expect(failures.at(-1)).toBe("postgres_plaintext");
    });
  });

  describe("our client's side, behind a client without TLS", () => {
    const behind = (upstream: () => Postgres) =>
      open(async (conn) => {
        const dialled = await dial([{ ip: "127.0.0.1", port: upstream().port }], 20_000);
        const outcome = await runPreface(dialled, new PostgresClient(), deadlines);
        if (!outcome.ok) {
          dialled.destroy();
          throw new Error(outcome.code);
        }
        const context = createContext({ ca: [await Bun.file(cert).text()] });
        const options = { context, requestCert: true, verify: true, protocolIds: [], deadlines, keepAlive };
        const secured = await secure(dialled, outcome.early, false, { ...options, serverName: "localhost" });
        if (secured instanceof TlsFailure) throw secured;
        relay(conn, secured);
      });

    test("psql in the clear comes to a session over TLS", async () => {
      const { port, failures } = await behind(() => server);
      const settings = `host=127.0.0.1 port=${port} sslmode=disable`;
      expect(await server.psql(settings, ...QUERY)).toEqual(SUM);
      const asked = await server.psql(
        settings,
        "-c",
        "select ssl, version from pg_stat_ssl where pid = pg_backend_pid()",
      );
      expect(asked.stdout).toBe("t|TLSv1.3\n");
      expect(failures).toEqual([]);
    });

    test("a server that grants no TLS gets no session", async () => {
      const { port, failures } = await behind(() => plain);
      const { status } = await plain.psql(`host=127.0.0.1 port=${port} sslmode=disable`, "-c", "select 1");
      expect(status).toBe(2);
      expect(failures).toMatchObject([{ message: "postgres_refused" }]);
    });
  });

  test("our answer to an SSLRequest is theirs, to the byte and no byte more", async () => {
    const ask = async (port: number) => {
      const conn = await dial([{ ip: "127.0.0.1", port }], 20_000);
      const notes = new Notes();
      conn.attach(notes);
      conn.write(Buffer.from("0000000804d2162f", "hex"));
      await until("an answer", () => notes.bytes > 0);
      conn.destroy();
      return notes.text;
    };
    const ours = await open(async (conn) => void (await runPreface(conn, new PostgresServer(), deadlines)));
    expect(await ask(ours.port)).toBe(await ask(server.port));
  });
}

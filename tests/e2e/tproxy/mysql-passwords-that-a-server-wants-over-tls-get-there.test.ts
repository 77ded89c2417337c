/** `tproxy run` with starttls = "mysql" and caching_sha2_password: a client without TLS encrypts its password to a key of ours, and the server gets it over TLS. */
import { beforeAll, expect, test } from "bun:test";
import { GOMYSQL_NEEDS, startGoMysql } from "../../support/gomysql.ts";
import { authority, save } from "../../support/pki.ts";
import type { Program } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { asUser, RunningTproxy } from "../../support/tproxy-scene.ts";
import { NETWORK_NEEDS, openNetworks, type TwoNetworks } from "../../support/two-networks.ts";

const NEEDS = [...NETWORK_NEEDS, ...GOMYSQL_NEEDS, "mariadb", "openssl"];
const ALICE = 2001;
/** Milliseconds for the server, which is built first. */
const PATIENCE = 600_000;

scenario(
  import.meta.file,
  NEEDS,
  ({ scene, portail }) => {
    const ca = authority("Servers");
    const clients = authority("Clients");
    const server = save(scene, "db", ca.issue({ cn: "db", san: ["DNS:db.example.com"] }));
    const own = save(scene, "ann", clients.issue({ cn: "ann", san: [] }));
    const hosts = scene.write("hosts", "10.9.0.2 db.example.com\n");
    let nets: TwoNetworks;
    let servers: Program[];

    beforeAll(async () => {
      nets = await openNetworks(scene);
      const { near, far } = nets;
      const files = { ...server, clientCa: scene.write("clients.pem", clients.cert) };
      servers = [
        await startGoMysql(scene, far, "10.9.0.2:3306", files, "caching_sha2_password"),
        await startGoMysql(scene, far, "10.9.0.2:3307", files, "mysql_native_password"),
      ];
      const identity = ["--keystore", own.keystore, "--cacert", scene.write("ca.pem", ca.cert), "--hosts", hosts];
      const args = [...identity, "--starttls", "mysql", "--portMap", "3306,3307"];
      await RunningTproxy.start(scene, portail, near, args);
    }, PATIENCE);

    const ask = (port: number, password: string) => {
      const where = ["--host=10.9.0.2", `--port=${port}`, "--skip-ssl"];
      const who = ["--user=app", `--password=${password}`];
      return asUser(nets.near, ALICE, ["mariadb", "--no-defaults", ...where, ...who, "-N", "-e", "select 'client'"]);
    };

    test.each([
      ["that begins with the method", 0, 3306],
      ["that switches to it", 1, 3307],
    ])("a server %s", async (_, index, port) => {
      const denied = await ask(port, "wrong");
      expect([denied.status, denied.stderr]).toEqual([1, expect.stringContaining("Access denied for user 'app'")]);
      const answer = { status: 0, stdout: "CN=ann\n", stderr: "" };
      expect(await ask(port, "secret")).toEqual(answer);
      expect(await ask(port, "secret")).toEqual(answer);
      await servers[index]!.output("stdout", /^listening\nfull\nfull\nfast\n$/);
    });
  },
  ["source"],
);

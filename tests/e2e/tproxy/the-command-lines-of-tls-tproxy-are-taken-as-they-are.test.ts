/** `portail tproxy` with every flag of tls-tproxy, with one dash and two: plain HTTP becomes mutual TLS with names of /etc/hosts. */
import { beforeAll, expect, test } from "bun:test";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import { asUser } from "../../support/tproxy-scene.ts";
import { NETWORK_NEEDS, openNetworks, type TwoNetworks } from "../../support/two-networks.ts";
import { startWebServers } from "../../support/web-servers.ts";

const NEEDS = [...NETWORK_NEEDS, "curl", "nginx", "openssl", "mount"];
const ALICE = 2001;

scenario(
  import.meta.file,
  NEEDS,
  ({ scene, portail }) => {
    const ca = authority("Servers");
    const clients = authority("Clients");
    const own = save(scene, "alice", clients.issue({ cn: "alice" }));
    const cacert = scene.write("ca.pem", ca.cert);
    const hosts = scene.write("hosts", "10.9.0.2 service.example\n10.9.0.3 other.example\n");
    let nets: TwoNetworks;

    beforeAll(async () => {
      nets = await openNetworks(scene);
      const clientCa = scene.write("clients.pem", clients.cert);
      const server = save(scene, "service", ca.issue({ cn: "service", san: ["DNS:service.example"] }));
      const places = ["10.9.0.2", "10.9.0.3"];
      await startWebServers(scene, nets.far, places, [{ name: "service.example", ...server, clientCa }]);
    }, 60_000);

    const ask = async (name: string, address: string, port: number): Promise<[number | null, string]> => {
      const known = ["--resolve", `${name}:${port}:${address}`];
      const curl = ["curl", "--silent", "--max-time", "20", ...known, `http://${name}:${port}/`];
      const { status, stdout } = await asUser(nets.near, ALICE, curl);
      return [status, stdout];
    };
    const ANSWER: [number, string] = [0, "service.example CN=alice\n"];

    /** A machine whose /etc/hosts has the names. */
    const start = (args: readonly string[]) => {
      const line = `mount --bind ${hosts} /etc/hosts && exec "$@"`;
      const inside = ["unshare", "--mount", "sh", "-c", line, "sh", ...portail.command, "tproxy", ...args];
      return nets.near.start(scene, inside);
    };

    test.each([
      [
        "all of it",
        ["--cert", own.cert, "--key", own.key, "--cacert", cacert, "--portMap", "8443:443,9443:443"],
        ["--certCheckerPlugin", "san_verifier", "--logLevel", "debug"],
        [8443, 9443],
      ],
      [
        "with one dash",
        ["-cert", own.cert, `-key=${own.key}`, "-cacert", cacert, "-portMap", "9443:443"],
        ["-logLevel=info"],
        [9443],
      ],
      [
        "with its ports",
        ["-cert", own.cert, "-key", own.key, "-cacert", cacert],
        ["-certCheckerPlugin", "san_verifier"],
        [8443],
      ],
    ])("%s", async (_, identity, more, ports) => {
      const tproxy = start([...identity, ...more]);
      await tproxy.output("stderr", /capturing ports [\d, ]+ by the table inet portail, listening on/);
      for (const port of ports) expect(await ask("service.example", "10.9.0.2", port)).toEqual(ANSWER);
      // Alternative names are checked.
      const [status, answer] = await ask("other.example", "10.9.0.3", ports[0]!);
      expect([status === 0, answer]).toEqual([false, ""]);
      await tproxy.output("stderr", /server_name_mismatch/);
      tproxy.signal("SIGTERM");
      expect(await tproxy.ended).toBe(0);
    });
  },
  ["source"],
);

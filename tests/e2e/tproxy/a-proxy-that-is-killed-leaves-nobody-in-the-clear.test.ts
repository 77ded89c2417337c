/** `tproxy run`: a kill in mid-traffic lets nothing through in the clear, the next start takes over, two instances and a foreign rule set are left in peace. */
import { beforeAll, expect, test } from "bun:test";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import { asUser, ruleset, RunningTproxy } from "../../support/tproxy-scene.ts";
import { NETWORK_NEEDS, openNetworks, type TwoNetworks } from "../../support/two-networks.ts";
import { until } from "../../support/until.ts";
import { startWebServers, type WebServers } from "../../support/web-servers.ts";

const NEEDS = [...NETWORK_NEEDS, "curl", "nginx", "openssl"];
const ALICE = 2001;
const FOREIGN = `
table ip foreign {
  counter seen { }
  chain output { type filter hook output priority 0; policy accept; tcp dport 9999 counter name seen drop; }
}
table inet portails {
  chain nat { type nat hook output priority -90; tcp dport 7777 redirect to :7778; }
}
`;

scenario(
  import.meta.file,
  NEEDS,
  ({ scene, portail }) => {
    const ca = authority("Servers");
    const clients = authority("Clients");
    const cacert = scene.write("ca.pem", ca.cert);
    const clientCa = scene.write("clients.pem", clients.cert);
    const own = save(scene, "alice", clients.issue({ cn: "alice" }));
    const server = save(scene, "service", ca.issue({ cn: "service", san: ["DNS:service.example"] }));
    const hosts = scene.write("hosts", "10.9.0.2 service.example\n");
    const identity = ["--keystore", own.keystore, "--cacert", cacert, "--hosts", hosts];
    const first = [...identity, "--portMap", "443:443,5432:5432"];
    const second = [...identity, "--instance", "other", "--listen-port", "1018", "--portMap", "8443:443"];
    let nets: TwoNetworks;
    let web: WebServers;
    let tproxy: RunningTproxy;
    let other: RunningTproxy;
    let foreign: string;

    beforeAll(async () => {
      nets = await openNetworks(scene);
      const { near, far } = nets;
      const service = { name: "service.example", cert: server.cert, key: server.key, clientCa };
      web = await startWebServers(scene, far, ["10.9.0.2"], [service], [443, 5432]);
      expect(await near.run(["nft", "-f", "-"], { stdin: FOREIGN })).toMatchObject({ status: 0, stderr: "" });
      foreign = await ruleset(near);
      tproxy = await RunningTproxy.start(scene, portail, near, first);
      other = await RunningTproxy.start(scene, portail, near, second);
    }, 60_000);

    const ask = async (port: number, path = "/") => {
      const curl = ["curl", "--silent", "--max-time", "20", `http://10.9.0.2:${port}${path}`];
      const { status, stdout } = await asUser(nets.near, ALICE, curl);
      return [status, stdout];
    };
    const ANSWER = [0, "service.example CN=alice\n"];
    const run = (args: readonly string[]) => nets.near.run([...portail.command, "tproxy", "run", ...args]);

    test("two instances carry connections, and none is started twice", async () => {
      expect(await Promise.all([ask(443), ask(5432), ask(8443)])).toEqual([ANSWER, ANSWER, ANSWER]);
      const again = await run([...first, "--listen-port", "1017"]);
      expect([again.status, again.stderr]).toEqual([78, expect.stringContaining("[tproxy.instance_running]")]);
      const cleaned = await run([...first, "--cleanup"]);
      expect([cleaned.status, cleaned.stderr]).toEqual([78, expect.stringContaining("[tproxy.instance_running]")]);
      expect(await ask(443)).toEqual(ANSWER);
    });

    test("a kill in mid-traffic: resets, and nothing in the clear", async () => {
      const before = web.requests().length;
      const slow = ask(443, "/slow");
      const state = { stopped: false };
      const traffic = [443, 5432].map(async (port) => {
        const ends: unknown[] = [];
        while (!state.stopped) ends.push((await ask(port))[0]);
        return ends;
      });
      await until("traffic", () => web.requests().length > before + 6);
      await tproxy.program.kill();
      expect((await slow)[0]).not.toBe(0);
      expect(await Promise.all([ask(443), ask(5432)])).toEqual([
        [7, ""],
        [7, ""],
      ]);
      expect(await ask(8443)).toEqual(ANSWER);
      state.stopped = true;
      for (const ends of await Promise.all(traffic)) expect(ends).toContain(0);
    });

    test("the next start takes over", async () => {
      tproxy = await RunningTproxy.start(scene, portail, nets.near, first);
      expect(await Promise.all([ask(443), ask(5432)])).toEqual([ANSWER, ANSWER]);
      expect((await ruleset(nets.near)).match(/table inet portail \{/g)).toHaveLength(1);
    });

    test("clean stops leave the foreign rules as they were, byte for byte; so does --cleanup after a kill", async () => {
      await other.program.kill();
      expect(await ruleset(nets.near)).toContain("table inet portail-other");
      const cleaned = await run([...second, "--cleanup"]);
      expect([cleaned.status, cleaned.stderr]).toEqual([0, ""]);
      expect(await tproxy.stop()).toBe(0);
      expect(await ruleset(nets.near)).toBe(foreign);
    });

    test("the server has seen no connection without TLS until the table was gone", async () => {
      expect(web.requests()).toContain("200 TLSv1.2");
      expect(web.requests().filter((line) => !line.endsWith(" TLSv1.2"))).toEqual([]);
      await ask(443);
      expect(web.requests().filter((line) => !line.endsWith(" TLSv1.2"))).toHaveLength(1);
    });
  },
  ["source"],
);

/** `tproxy run`: capture limited by user, group, control group and destination; users left out; a rule by control group; and a way through a SOCKS proxy. */
import { existsSync, mkdirSync, rmdirSync } from "node:fs";
import { beforeAll, expect, test } from "bun:test";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import { asUser, RunningTproxy } from "../../support/tproxy-scene.ts";
import { NETWORK_NEEDS, openNetworks, type TwoNetworks } from "../../support/two-networks.ts";
import { startWebServers } from "../../support/web-servers.ts";
import { until } from "../../support/until.ts";

const NEEDS = [...NETWORK_NEEDS, "curl", "nginx", "openssl", "python3", "microsocks"];
const ALICE = 2001;
const BOB = 2002;
/** Where the hierarchy of version 2 is, also where it stands beside version 1. */
const CGROUPS = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].find((path) => existsSync(`${path}/cgroup.procs`));

scenario(
  import.meta.file,
  CGROUPS === undefined ? [...NEEDS, "cgroup2"] : NEEDS,
  ({ scene, portail }) => {
    const ca = authority("Servers");
    const clients = authority("Clients");
    const own = save(scene, "alice", clients.issue({ cn: "alice" }));
    const clientCa = scene.write("clients.pem", clients.cert);
    const hosts = scene.write("hosts", "10.9.0.2 service.example\n10.9.0.3 service.example\n");
    const identity = ["--keystore", own.keystore, "--cacert", scene.write("ca.pem", ca.cert), "--hosts", hosts];
    const cgroup = `portail-test-${process.pid}`;
    let nets: TwoNetworks;

    beforeAll(async () => {
      nets = await openNetworks(scene);
      const { far } = nets;
      const { cert, key } = save(scene, "service", ca.issue({ san: ["DNS:service.example"] }));
      await startWebServers(scene, far, ["10.9.0.2", "10.9.0.3"], [{ name: "service.example", cert, key, clientCa }]);
      // What is not captured comes here, in the clear.
      const plain = scene.mkdir("plain");
      scene.write("plain/index.html", "plain\n");
      for (const address of ["10.9.0.2", "10.9.0.3"])
        far.start(scene, ["python3", "-m", "http.server", "--bind", address, "--directory", plain, "8443"]);
      for (const address of ["10.9.0.2", "10.9.0.3"])
        await until("python", async () => (await far.run(["curl", "-s", `http://${address}:8443/`])).status === 0);
      mkdirSync(`${CGROUPS}/${cgroup}`);
      scene.defer(() => rmdirSync(`${CGROUPS}/${cgroup}`));
    }, 60_000);

    const curl = (address = "10.9.0.2") => ["curl", "--silent", "--max-time", "10", `http://${address}:8443/`];
    const ask = async (uid: number, address?: string) => (await asUser(nets.near, uid, curl(address))).stdout;
    const join = ["sh", "-c", `echo $$ > ${CGROUPS}/${cgroup}/cgroup.procs && exec "$@"`, "sh"];
    const askWithin = async () => (await nets.near.run([...join, ...curl()])).stdout;
    const WRAPPED = "service.example CN=alice\n";
    const PLAIN = "plain\n";

    /** nft finds control groups below /sys/fs/cgroup. */
    const mounted = ["unshare", "--mount", "sh", "-c", `mount --rbind ${CGROUPS} /sys/fs/cgroup; exec "$@"`, "sh"];
    async function capturing(args: readonly string[], look: (tproxy: RunningTproxy) => Promise<void>): Promise<void> {
      const command = [...(args.includes("--capture-cgroup") ? mounted : []), ...portail.command];
      const tproxy = await RunningTproxy.start(scene, { command }, nets.near, [...identity, ...args]);
      await look(tproxy);
      expect(await tproxy.stop()).toBe(0);
    }

    test("by user", () =>
      capturing(["--capture-user", String(ALICE)], async () => {
        expect([await ask(ALICE), await ask(BOB), await ask(0)]).toEqual([WRAPPED, PLAIN, PLAIN]);
      }));

    test("by group", () =>
      capturing(["--capture-group", String(BOB)], async () => {
        expect([await ask(ALICE), await ask(BOB)]).toEqual([PLAIN, WRAPPED]);
      }));

    test("all but root", () =>
      capturing(["--exempt-user", "root"], async () => {
        expect([await ask(ALICE), await ask(0)]).toEqual([WRAPPED, PLAIN]);
      }));

    test("by destination", () =>
      capturing(["--capture-to", "10.9.0.3"], async () => {
        expect([await ask(0), await ask(0, "10.9.0.3")]).toEqual([PLAIN, WRAPPED]);
      }));

    test("by control group", () =>
      capturing(["--capture-cgroup", `/${cgroup}`], async () => {
        expect([await ask(0), await askWithin()]).toEqual([PLAIN, WRAPPED]);
      }));

    test("a rule by control group, through a SOCKS proxy", async () => {
      nets.far.start(scene, ["microsocks", "-i", "10.9.0.4", "-p", "1080"]);
      const proxy = 'proxy = "socks5://10.9.0.4:1080"\n';
      const config = scene.write("tproxy.toml", `[[rule]]\ncgroup = "${cgroup}"\n${proxy}`);
      await capturing(["--config", config], async (tproxy) => {
        expect([await ask(0), await askWithin()]).toEqual(["", WRAPPED]);
        expect(await tproxy.audit.record("session", ({ decision }) => decision === "allow")).toMatchObject({
          dest: "10.9.0.4:1080",
          program: { cgroup: `/${cgroup}` },
        });
        expect(tproxy.audit.of("session")[0]).toMatchObject({ decision: "deny", reason: "no_rule" });
      });
    });

    test("who may not capture is told so", async () => {
      const without = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", "--"];
      const { status, stderr } = await nets.near.run([...without, ...portail.command, "tproxy", ...identity]);
      expect([status, stderr]).toEqual([77, expect.stringMatching(/\[tproxy\.(no_mark|nft_refused)\]/)]);
    });
  },
  ["source"],
);

/** `tproxy run --dns-port`: with no more than a port map, each name that a captured user looks up gets an address of its own, also where two are at one server; other ports pass only where that is said. */
import { beforeAll, expect, test } from "bun:test";
import { authority, save } from "../../support/pki.ts";
import { startResolver } from "../../support/resolver.ts";
import { scenario } from "../../support/scenario.ts";
import { isDenied, RunningTproxy } from "../../support/tproxy-scene.ts";
import { NETWORK_NEEDS, openNetworks, type TwoNetworks } from "../../support/two-networks.ts";
import { startWebServers } from "../../support/web-servers.ts";

const NEEDS = [...NETWORK_NEEDS, "curl", "nginx", "openssl", "dnsmasq", "kdig", "python3"];
const ALICE = 2001;
/** As programs know it; it leads nowhere but to the stub. */
const NAMESERVER = "10.9.0.77";

scenario(
  import.meta.file,
  NEEDS,
  ({ scene, portail }) => {
    const ca = authority("Servers");
    const clients = authority("Clients");
    const own = save(scene, "alice", clients.issue({ cn: "alice" }));
    const clientCa = scene.write("clients.pem", clients.cert);
    const whom = ["--keystore", own.keystore, "--cacert", scene.write("ca.pem", ca.cert)];
    const names = ["--dns-port", "5300", "--capture-dns", "--dns-state", scene.path("names")];
    const resolvers = ["--dns-upstream", "10.9.0.4", "--resolver", "10.9.0.4", "--hosts", scene.write("hosts", "")];
    const args = [...whom, ...names, ...resolvers, "--portMap", "8443:443"];
    let nets: TwoNetworks;
    let tproxy: RunningTproxy;

    beforeAll(async () => {
      nets = await openNetworks(scene);
      const { near, far } = nets;
      const servers = ["service", "second"].map((name) => {
        const { cert, key } = save(scene, name, ca.issue({ cn: name, san: [`DNS:${name}.example`] }));
        return { name: `${name}.example`, cert, key, clientCa };
      });
      await startWebServers(scene, far, ["10.9.0.2", "[fd09::2]"], servers);
      far.start(scene, ["python3", "-m", "http.server", "--bind", "10.9.0.2", "8080"]);
      const both = ["10.9.0.2", "fd09::2"];
      await startResolver(scene, far, "10.9.0.4", { "service.example": both, "second.example": both });
      tproxy = await RunningTproxy.start(scene, portail, near, args);
    }, 60_000);

    const resolv = scene.write("resolv.conf", `nameserver ${NAMESERVER}\n`);
    const nsswitch = scene.write("nsswitch.conf", "hosts: dns\n");
    const mounts = `mount --bind ${resolv} /etc/resolv.conf && mount --bind ${nsswitch} /etc/nsswitch.conf && exec "$@"`;
    const user = ["setpriv", `--reuid=${ALICE}`, `--regid=${ALICE}`, "--clear-groups", "--"];
    const inside = (...command: string[]) =>
      nets.near.run(["unshare", "--mount", "sh", "-c", mounts, "sh", ...user, ...command]);
    const ask = async (name: string, port: number, family = "-4") => {
      const url = `http://${name}.example:${port}/`;
      const { stdout } = await inside("curl", family, "--silent", "--max-time", "10", url);
      return stdout;
    };

    test("two services at one address, each by its own name, by IPv4 and IPv6", async () => {
      expect(await ask("service", 8443)).toBe("service.example CN=alice\n");
      expect(await ask("second", 8443)).toBe("second.example CN=alice\n");
      expect(await ask("second", 8443, "-6")).toBe("second.example CN=alice\n");
      await tproxy.audit.record("session", ({ original }) => original?.startsWith("[") === true);
      expect(tproxy.audit.of("session").map(({ original, target }) => [original, target])).toEqual([
        ["198.18.0.1:8443", "service.example:443"],
        ["198.18.0.2:8443", "second.example:443"],
        ["[fd70:6f72:7461::2]:8443", "second.example:443"],
      ]);
    });

    test("another port is refused", async () => {
      tproxy.audit.forget();
      expect(await ask("service", 8080)).toBe("");
      expect(await tproxy.audit.record("session", isDenied)).toMatchObject({
        decision: "deny",
        reason: "no_rule",
        original: "198.18.0.1:8080",
      });
    });

    test("after a kill names keep their addresses, and with passthrough another port leads to the true address", async () => {
      await tproxy.program.kill();
      expect(await ask("service", 8443)).toBe("");
      tproxy = await RunningTproxy.start(scene, portail, nets.near, [...args, "--passthrough"]);
      expect(await ask("second", 8443)).toBe("second.example CN=alice\n");
      expect(await ask("service", 8080)).toContain("Directory listing");
      await tproxy.audit.record("session", ({ target }) => target === "service.example:8080");
      const sessions = tproxy.audit.of("session").map(({ original, target, dest }) => [original, target, dest]);
      expect(sessions).toEqual([
        ["198.18.0.2:8443", "second.example:443", expect.stringMatching(/:443$/)],
        ["198.18.0.1:8080", "service.example:8080", "10.9.0.2:8080"],
      ]);
    });

    test("a name that is nobody's has no address", async () => {
      const { status } = await inside("getent", "hosts", "nobody.example");
      expect(status).toBe(2);
      expect(await tproxy.stop()).toBe(0);
    });
  },
  ["source"],
);

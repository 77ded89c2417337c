/** `tproxy run`: servers with a wrong name, authority or date, a name in the CN alone, or a place in a revocation list, and the audit reason of each; then reload, drain and status. */
import { beforeAll, expect, test } from "bun:test";
import { authority, save, type Certified } from "../../support/pki.ts";
import { startResolver } from "../../support/resolver.ts";
import { scenario } from "../../support/scenario.ts";
import { asUser, isDenied, RunningTproxy } from "../../support/tproxy-scene.ts";
import { NETWORK_NEEDS, openNetworks, type TwoNetworks } from "../../support/two-networks.ts";
import { startWebServers } from "../../support/web-servers.ts";

const NEEDS = [...NETWORK_NEEDS, "curl", "nginx", "openssl", "dnsmasq", "kdig"];
const ALICE = 2001;
const IMPOSTOR = "10.9.0.3";
const HONEST = "10.9.0.2";

scenario(
  import.meta.file,
  NEEDS,
  ({ scene, portail }) => {
    const ca = authority("Servers");
    const clients = authority("Clients");
    const own = save(scene, "alice", clients.issue({ cn: "alice" }));
    const clientCa = scene.write("clients.pem", clients.cert);
    const named = (name: string, more = {}) => ca.issue({ cn: "a server", san: [`DNS:${name}.example`], ...more });
    const revoked = named("revoked");
    const certificates: Record<string, Certified> = {
      good: named("good"),
      wrong: named("other"),
      stranger: authority("Strangers").issue({ cn: "a server", san: ["DNS:stranger.example"] }),
      expired: named("expired", { from: -3, to: -1 }),
      revoked,
      cn: ca.issue({ cn: "cn.example", san: [] }),
      pinned: named("nobody", { nth: 2 }),
    };
    const names = [...Object.keys(certificates), "spoofed"];
    const fake = (name: string) => `198.18.0.${names.indexOf(name) + 1}`;
    const hosts = names.map((name) => `${fake(name)} ${name}.example\n`).join("");
    const cacert = scene.write("ca.pem", ca.cert);
    const crl = scene.write("list.crl", ca.crl({ revoked: [revoked] }));
    const acl = scene.write("curl.acl", `policy curls { when client.executable == "/usr/bin/curl" action allow }\n`);
    const whom = ["--keystore", own.keystore, "--cacert", cacert, "--crl", crl, "--acl", acl];
    const from = ["--hosts", scene.write("hosts", hosts), "--resolver", "10.9.0.4"];
    const args = [...whom, ...from, "--status", "127.0.0.1:9100"];
    let nets: TwoNetworks;
    let tproxy: RunningTproxy;

    beforeAll(async () => {
      nets = await openNetworks(scene);
      const { near, far } = nets;
      const servers = Object.entries(certificates).map(([name, certificate]) => {
        const { cert, key } = save(scene, name, certificate);
        return { name: `${name}.example`, cert, key, clientCa };
      });
      await startWebServers(scene, far, [HONEST], servers);
      await startWebServers(scene, far, [IMPOSTOR], servers.slice(1, 2));
      await startResolver(scene, far, "10.9.0.4", { "spoofed.example": [IMPOSTOR], example: [HONEST] });
      tproxy = await RunningTproxy.start(scene, portail, near, args);
    }, 60_000);

    const ask = async (name: string, path = "/", program = "curl", seconds = 20) => {
      const known = ["--resolve", `${name}.example:8443:${fake(name)}`, "--max-time", String(seconds)];
      const curl = [program, "--silent", ...known, `http://${name}.example:8443${path}`];
      const { status, stdout } = await asUser(nets.near, ALICE, curl);
      return status === 0 ? stdout : "";
    };

    test("the right server is reached", async () => {
      expect(await ask("good")).toBe("good.example CN=alice\n");
      expect(await tproxy.audit.record("session")).toMatchObject({
        decision: "allow",
        policy: "curls",
        facts: { "client.executable": "/usr/bin/curl" },
      });
    });

    test.each([
      ["wrong", "server_name_mismatch"],
      ["stranger", "unknown_ca"],
      ["expired", "expired"],
      ["revoked", "revoked"],
      ["cn", "server_name_mismatch"],
      ["spoofed", "server_name_mismatch"],
    ])("%s: %s", async (name, reason) => {
      tproxy.audit.forget();
      expect(await ask(name)).toBe("");
      expect(await tproxy.audit.record("session", isDenied)).toMatchObject({
        decision: "deny",
        reason,
        target: `${name}.example:443`,
        program: { uid: ALICE, executable: "/usr/bin/curl" },
      });
    });

    test("another program is refused by the policy, before anything is dialled", async () => {
      tproxy.audit.forget();
      const copy = scene.path("curl-copy");
      await asUser(nets.near, 0, ["cp", "/usr/bin/curl", copy]);
      await asUser(nets.near, 0, ["chmod", "711", scene.folder]);
      expect(await ask("good", "/", copy)).toBe("");
      const line = await tproxy.audit.record("session", isDenied);
      expect(line).toMatchObject({ decision: "deny", reason: "policy_default", program: { executable: copy } });
      expect(line).not.toHaveProperty("dest");
    });

    test("a reload takes up a new list; a broken one changes nothing", async () => {
      scene.write("list.crl", ca.crl());
      tproxy.program.signal("SIGHUP");
      expect(await tproxy.audit.record("reload", ({ outcome }) => outcome === "done")).toBeDefined();
      expect(await ask("revoked")).toBe("revoked.example CN=alice\n");
      scene.write("list.crl", "nothing");
      tproxy.program.signal("SIGHUP");
      expect(await tproxy.audit.record("reload", ({ outcome }) => outcome === "kept")).toBeDefined();
      expect(await ask("revoked")).toBe("revoked.example CN=alice\n");
    });

    test("status and metrics tell of rules and refusals", async () => {
      const get = async (path: string) =>
        (await nets.near.run(["curl", "--silent", `http://127.0.0.1:9100${path}`])).stdout;
      expect(JSON.parse(await get("/_status"))).toMatchObject({
        ok: true,
        listen_address: "127.0.0.1:1019,[::1]:1019",
      });
      const metrics = await get("/metrics");
      expect(metrics).toContain('portail_refused_total{reason="unknown_ca"} 1');
      expect(metrics).toMatch(/portail_rule_connections_total\{rule="default"\} \d/);
    });

    test("the page tells of rules and decisions, and over TCP not of who is there", async () => {
      const page = (await nets.near.run(["curl", "--silent", "http://127.0.0.1:9100/"])).stdout;
      for (const part of ["Rules", "Decisions by policy", "curls", "CN=alice"]) expect(page).toContain(`${part}<`);
      expect(page).toMatch(/<small>\d+ open<\/small>/);
      expect(page).not.toContain('id="connections"');
    });

    test("what is open may end by itself while nothing more is taken", async () => {
      const slow = ask("good", "/slow", "curl", 2);
      await tproxy.program.output("stderr", /opened .*good\.example\)[^\n]*\n(?![\s\S]*closed)/);
      tproxy.program.signal("SIGTERM");
      await tproxy.program.output("stderr", /draining/);
      expect(await ask("good")).toBe("");
      await slow;
      expect(await tproxy.program.ended).toBe(0);
    });
  },
  ["source"],
);

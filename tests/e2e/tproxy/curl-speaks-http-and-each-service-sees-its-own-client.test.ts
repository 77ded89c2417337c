/** `tproxy run`: plain HTTP of curl, by IPv4 and IPv6, becomes mutual TLS with the service that the address stands for, also where two services are at one address. */
import { beforeAll, expect, test } from "bun:test";
import { authority, save } from "../../support/pki.ts";
import type { Outcome } from "../../support/program.ts";
import { startResolver } from "../../support/resolver.ts";
import { scenario } from "../../support/scenario.ts";
import { asUser, isDenied, ruleset, RunningTproxy } from "../../support/tproxy-scene.ts";
import { NETWORK_NEEDS, openNetworks, type TwoNetworks } from "../../support/two-networks.ts";
import { startWebServers } from "../../support/web-servers.ts";

const NEEDS = [...NETWORK_NEEDS, "curl", "nginx", "openssl", "dnsmasq", "kdig"];
const ALICE = 2001;
const BOB = 2002;
const CAROL = 2003;

scenario(import.meta.file, NEEDS, ({ scene, portail }) => {
  const ca = authority("Servers");
  const [clientsA, clientsB] = [authority("Clients A"), authority("Clients B")];
  const cacert = scene.write("ca.pem", ca.cert);
  const caA = scene.write("clients-a.pem", clientsA.cert);
  const caB = scene.write("clients-b.pem", clientsB.cert);
  const [alice, bob] = [
    save(scene, "alice", clientsA.issue({ cn: "alice" })),
    save(scene, "bob", clientsB.issue({ cn: "bob" })),
  ];
  const service = (name: string) => save(scene, name, ca.issue({ cn: name, san: [`DNS:${name}.example`] }));
  const config = scene.write(
    "tproxy.toml",
    `
cacert = "${cacert}"
resolver = "10.9.0.4"
hosts = "${scene.write("hosts", "10.9.0.3 third.example fourth.example\nfd09::3 third.example\n198.18.0.9 one.example two.example\n10.9.0.4 closed.example\n")}"

[identity.alice]
keystore = "${alice.keystore}"
[identity.bob]
keystore = "${bob.keystore}"

[[rule]]
name = "service.example"
address = ["198.18.0.1", "fd70:6f72:7461::1"]
user = "${ALICE}"
identity = "alice"

[[rule]]
name = "second.example"
address = ["198.18.0.2", "fd70:6f72:7461::2"]
user = ["${ALICE}", "${BOB}"]
identity = "bob"

[[rule]]
name = "*.example"
user = "${BOB}"
identity = "bob"
`,
  );
  let nets: TwoNetworks;
  let tproxy: RunningTproxy;

  beforeAll(async () => {
    nets = await openNetworks(scene);
    const { near, far } = nets;
    const [first, second, third, fourth] = ["service", "second", "third", "fourth"].map(service);
    const servers = [
      { name: "service.example", ...first!, clientCa: caA },
      { name: "second.example", ...second!, clientCa: caB },
    ];
    await startWebServers(scene, far, ["10.9.0.2", "[fd09::2]"], servers);
    const others = [
      { name: "third.example", ...third!, clientCa: caB },
      { name: "fourth.example", ...fourth!, clientCa: caB },
    ];
    await startWebServers(scene, far, ["10.9.0.3", "[fd09::3]"], others);
    const both = ["10.9.0.2", "fd09::2"];
    await startResolver(scene, far, "10.9.0.4", { "service.example": both, "second.example": both });
    tproxy = await RunningTproxy.start(scene, portail, near, ["--config", config]);
  }, 60_000);

  const ask = (uid: number, name: string, address: string): Promise<Outcome> => {
    const known = ["--resolve", `${name}.example:8443:${address}`];
    const curl = ["curl", "--silent", "--show-error", "--max-time", "10", ...known];
    return asUser(nets.near, uid, [...curl, `http://${name}.example:8443/`]);
  };
  const answer = (text: string) => ({ status: 0, stdout: `${text}\n`, stderr: "" });

  test("by IPv4 and IPv6, with the name and the identity of each service", async () => {
    expect(await ask(ALICE, "service", "198.18.0.1")).toEqual(answer("service.example CN=alice"));
    expect(await ask(ALICE, "service", "fd70:6f72:7461::1")).toEqual(answer("service.example CN=alice"));
    expect(await ask(ALICE, "second", "198.18.0.2")).toEqual(answer("second.example CN=bob"));
    expect(await ask(BOB, "second", "fd70:6f72:7461::2")).toEqual(answer("second.example CN=bob"));
    expect(await tproxy.audit.record("session", ({ target }) => target === "service.example:443")).toMatchObject({
      decision: "allow",
      rule: "service.example",
      original: "198.18.0.1:8443",
      dest: expect.stringMatching(/^(10\.9\.0\.2|\[fd09::2\]):443$/),
      program: { uid: ALICE, gid: ALICE, executable: expect.stringMatching(/\/curl$/) },
      upstream: { subject: "CN=service" },
    });
  });

  test("an address that is no stand-in is dialled itself, with the name of the hosts file", async () => {
    expect(await ask(BOB, "third", "fd09::3")).toEqual(answer("third.example CN=bob"));
  });

  test("of two names of one address it is the one that the client's first request says", async () => {
    expect(await ask(BOB, "third", "10.9.0.3")).toEqual(answer("third.example CN=bob"));
    expect(await ask(BOB, "fourth", "10.9.0.3")).toEqual(answer("fourth.example CN=bob"));
  });

  test("or its hello, where it has TLS of its own within ours", async () => {
    tproxy.audit.forget();
    const known = ["--resolve", "fourth.example:8443:10.9.0.3"];
    const curl = ["curl", "--silent", "--max-time", "10", ...known, "https://fourth.example:8443/"];
    // The server, which speaks HTTP within TLS, takes the hello for a bad request.
    expect((await asUser(nets.near, BOB, curl)).status).toBe(35);
    expect(await tproxy.audit.record("session")).toMatchObject({
      decision: "allow",
      target: "fourth.example:443",
      upstream: { subject: "CN=fourth" },
    });
  });

  test.each([
    ["another user", CAROL, "198.18.0.1", "no_rule"],
    ["root", 0, "198.18.0.1", "no_rule"],
    ["a user of another rule", ALICE, "10.9.0.3", "no_rule"],
    ["a name that is not known", BOB, "10.9.0.2", "unknown_name"],
    ["two names for one address, and a third that is said", BOB, "198.18.0.9", "ambiguous_name"],
    ["a server that is not there", BOB, "10.9.0.4", "dial_refused"],
  ])("refused: %s", async (_, uid, address, reason) => {
    tproxy.audit.forget();
    const { status, stdout } = await ask(uid, "service", address);
    expect([status === 0, stdout]).toEqual([false, ""]);
    expect(await tproxy.audit.record("session", isDenied)).toMatchObject({
      decision: "deny",
      reason,
      original: `${address}:8443`,
      program: { uid, executable: expect.stringMatching(/\/curl$/) },
    });
  });

  test("a connection that was not captured is refused", async () => {
    tproxy.audit.forget();
    const direct = await nets.near.run(["curl", "--silent", "--max-time", "10", "http://127.0.0.1:1019/"]);
    expect([direct.status === 0, direct.stdout]).toEqual([false, ""]);
    expect(await tproxy.audit.record("session", isDenied)).toMatchObject({
      decision: "deny",
      reason: "not_captured",
      target: "",
    });
    const far = await nets.far.run(["curl", "--silent", "--max-time", "10", "http://10.9.0.1:1019/"]);
    expect(far.status === 0).toBe(false);
  });

  test("the table is the one that `rules` prints, and a clean stop removes it", async () => {
    const { near } = nets;
    const before = await ruleset(near);
    const printed = await near.run([...portail.command, "tproxy", "rules", "--config", config]);
    expect((await near.run(["nft", "-c", "-f", "-"], { stdin: printed.stdout })).stderr).toBe("");
    expect(before).toContain("table inet portail {");
    await near.run(["nft", "flush", "ruleset"]);
    expect((await near.run(["nft", "-f", "-"], { stdin: printed.stdout })).status).toBe(0);
    expect(await ruleset(near)).toBe(before);
    expect(await tproxy.stop()).toBe(0);
    expect(await ruleset(near)).toBe("");
  });
});

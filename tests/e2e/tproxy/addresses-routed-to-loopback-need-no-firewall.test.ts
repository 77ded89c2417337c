/** `tproxy run --mode anyip`: stand-in addresses routed to loopback instead of a firewall table; streams of which one side ends first; what is not for a stand-in, or comes from elsewhere. */
import { beforeAll, expect, test } from "bun:test";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import { openGate } from "../../support/tls-gate.ts";
import { asUser, isDenied, ruleset, RunningTproxy } from "../../support/tproxy-scene.ts";
import { NETWORK_NEEDS, openNetworks, type TwoNetworks } from "../../support/two-networks.ts";
import { until } from "../../support/until.ts";

const NEEDS = [...NETWORK_NEEDS, "openssl", "socat", "haproxy", "python3"];
const ALICE = 2001;
const BOB = 2002;
/** socat resumes none for clients with certificates, and breaks off. */
const NO_RESUMPTION = ["--no-session-resumption"];
/** Sends, ends its direction, and keeps what comes afterwards. */
const LATE = `
import socket, sys
listener = socket.create_server(("127.0.0.1", 7003))
while True:
    client, _ = listener.accept()
    client.sendall(bytes(2 ** 20))
    client.shutdown(socket.SHUT_WR)
    with open(sys.argv[1], "ab") as file:
        while piece := client.recv(65536):
            file.write(piece)
`;
const MEGABYTE = 2 ** 20;

scenario(
  import.meta.file,
  NEEDS,
  ({ scene, portail }) => {
    const ca = authority("Servers");
    const clients = authority("Clients");
    const own = save(scene, "alice", clients.issue({ cn: "alice" }));
    const server = save(scene, "service", ca.issue({ cn: "service", san: ["DNS:service.example"] }));
    const config = scene.write(
      "tproxy.toml",
      `
cacert = "${scene.write("ca.pem", ca.cert)}"
keystore = "${own.keystore}"
port-map = ["7001", "7002"]
alpn = "late"
[[rule]]
name = "service.example"
address = ["198.18.0.1", "fd70:6f72:7461::1"]
target = "10.9.0.2"
user = "${ALICE}"
[[rule]]
name = "open.example"
address = "198.18.0.3"
target = "10.9.0.2"
override-server-name = "service.example"
`,
    );
    let nets: TwoNetworks;
    let tproxy: RunningTproxy;

    beforeAll(async () => {
      nets = await openNetworks(scene);
      const { near, far } = nets;
      const clientCa = scene.write("clients.pem", clients.cert);
      const tls = `bind=10.9.0.2,reuseaddr,fork,cert=${server.keystore},cafile=${clientCa},verify=1`;
      far.start(scene, ["socat", `openssl-listen:7001,${tls}`, "exec:sha256sum"]);
      const route = { serverName: "service.example", protocolId: "late", target: "127.0.0.1:7003" };
      const gate = { keystore: server.keystore, cacert: clientCa, port: 7002, address: "10.9.0.2" };
      await openGate(scene, [route], { ...gate, prefix: far.prefix });
      far.start(scene, ["python3", "-c", LATE, scene.path("late")]);
      for (const port of [7001, 7002])
        await until("socat", async () => (await far.run(["bash", "-c", `: < /dev/tcp/10.9.0.2/${port}`])).status === 0);
      tproxy = await RunningTproxy.start(scene, portail, near, [
        "--mode",
        "anyip",
        "--config",
        config,
        ...NO_RESUMPTION,
      ]);
    }, 60_000);

    const digest = new Bun.CryptoHasher("sha256").update(Buffer.alloc(MEGABYTE)).digest("hex");
    const shell = (uid: number, script: string) => asUser(nets.near, uid, ["bash", "-c", script]);
    const send = (to: string) => `head -c ${MEGABYTE} /dev/zero | socat -t 10 - tcp:${to}`;

    test.each(["198.18.0.1:7001", "[fd70:6f72:7461::1]:7001"])(
      "a client that ends first is answered: %s",
      async (to) => {
        expect(await shell(ALICE, send(to))).toEqual({ status: 0, stdout: `${digest}  -\n`, stderr: "" });
      },
    );

    test("whoever is on this machine is taken where no rule asks", async () => {
      expect(await shell(BOB, send("198.18.0.3:7001"))).toMatchObject({ status: 0, stdout: `${digest}  -\n` });
    });

    test("a server that ends first is still sent to", async () => {
      const script = `exec 3<>/dev/tcp/198.18.0.1/7002; sha256sum <&3; echo late >&3`;
      expect(await shell(ALICE, script)).toEqual({ status: 0, stdout: `${digest}  -\n`, stderr: "" });
      await until("what came late", async () => {
        const late = Bun.file(scene.path("late"));
        return (await late.exists()) && (await late.text()) === "late\n";
      });
    });

    test.each([
      ["of another user", BOB, "198.18.0.1:7001", "no_rule"],
      ["to a stand-in without a name", ALICE, "198.18.0.9:7001", "unknown_name"],
      ["to an address of this machine", ALICE, "10.9.0.1:7001", "not_captured"],
    ])("refused: a connection %s", async (_, uid, to, reason) => {
      tproxy.audit.forget();
      expect((await shell(uid, send(to))).stdout).toBe("");
      expect(await tproxy.audit.record("session", isDenied)).toMatchObject({ decision: "deny", reason });
    });

    test("refused: a connection from another machine, even to a stand-in", async () => {
      tproxy.audit.forget();
      await nets.far.run(["ip", "route", "add", "198.18.0.0/15", "via", "10.9.0.1"]);
      const { stdout } = await nets.far.run(["bash", "-c", send("198.18.0.3:7001")]);
      expect(stdout).toBe("");
      expect(await tproxy.audit.record("session", isDenied)).toMatchObject({
        decision: "deny",
        reason: "client_unknown",
      });
    });

    const routes = async () => (await nets.near.run(["ip", "route", "show", "table", "local"])).stdout;

    test("after a kill connections are refused, and --cleanup takes the routes away, but not those of one that runs", async () => {
      const cleanUp = () =>
        nets.near.run([...portail.command, "tproxy", "--mode", "anyip", "--config", config, "--cleanup"]);
      expect((await cleanUp()).stderr).toContain("[listen.eaddrinuse]");
      expect(await routes()).toContain("198.18.0.0/15");
      await tproxy.program.kill();
      expect((await shell(ALICE, send("198.18.0.1:7001"))).stderr).toContain("Connection refused");
      expect(await cleanUp()).toMatchObject({ status: 0, stderr: "" });
      expect(await routes()).not.toContain("198.18.0.0/15");
    });

    test("no firewall is touched, and a clean stop takes the routes away", async () => {
      tproxy = await RunningTproxy.start(scene, portail, nets.near, ["--mode", "anyip", "--config", config]);
      expect(await ruleset(nets.near)).toBe("");
      expect(await routes()).toContain("198.18.0.0/15");
      expect(await tproxy.stop()).toBe(0);
      expect(await routes()).not.toContain("198.18.0.0/15");
    });
  },
  ["source"],
);

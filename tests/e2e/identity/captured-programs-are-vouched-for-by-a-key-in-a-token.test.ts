/** `tproxy run` with a key in SoftHSM: plain HTTP of curl becomes mutual TLS with nginx, and a key that is gone leaves nobody in the clear. */
import { beforeAll, expect, test } from "bun:test";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import { MODULE, PIN, SoftHsm, SOFTHSM } from "../../support/softhsm.ts";
import { mannered } from "../../support/token-modules.ts";
import { asUser, isDenied, RunningTproxy } from "../../support/tproxy-scene.ts";
import { NETWORK_NEEDS, openNetworks, type TwoNetworks } from "../../support/two-networks.ts";
import { startWebServers } from "../../support/web-servers.ts";

const ALICE = 2001;

scenario(
  import.meta.file,
  [...NETWORK_NEEDS, ...SOFTHSM, "g++", "curl", "nginx"],
  ({ scene, portail }) => {
    const ca = authority("Servers");
    const clients = authority("Clients");
    const hsm = new SoftHsm(scene);
    const lost = scene.path("lost");
    hsm.put(clients.issue({ cn: "alice", san: [] }), "alice", "01");
    // It knows by itself where its tokens are.
    const module = mannered(scene, MODULE, { env: hsm.env, lost });
    const uri = `pkcs11:object=alice?module-path=${module}&pin-source=file:${scene.write("pin", `${PIN}\n`, 0o600)}`;
    const config = scene.write(
      "tproxy.toml",
      `
cacert = "${scene.write("ca.pem", ca.cert)}"
keystore = "${uri}"
[[rule]]
name = "service.example"
address = "198.18.0.1"
target = "10.9.0.2"
user = "${ALICE}"
`,
    );
    let nets: TwoNetworks;
    let tproxy: RunningTproxy;

    beforeAll(async () => {
      nets = await openNetworks(scene);
      const service = save(scene, "service", ca.issue({ cn: "service", san: ["DNS:service.example"] }));
      const server = { name: "service.example", ...service, clientCa: scene.write("clients.pem", clients.cert) };
      await startWebServers(scene, nets.far, ["10.9.0.2"], [server]);
      tproxy = await RunningTproxy.start(scene, portail, nets.near, ["--config", config]);
    }, 60_000);

    const ask = () => {
      const known = ["--resolve", "service.example:8443:198.18.0.1", "http://service.example:8443/"];
      return asUser(nets.near, ALICE, ["curl", "--silent", "--show-error", "--max-time", "10", ...known]);
    };

    test("the server sees whose key it is", async () => {
      expect(await ask()).toEqual({ status: 0, stdout: "service.example CN=alice\n", stderr: "" });
      expect(await tproxy.audit.record("session")).toMatchObject({
        decision: "allow",
        rule: "service.example",
        program: { uid: ALICE },
        upstream: { subject: "CN=service" },
      });
    });

    test("without the key nobody comes through", async () => {
      hsm.tool("--token-label", "portail test", "--delete-object", "--type", "privkey", "--id", "01");
      scene.write("lost", "");
      const { status, stdout } = await ask();
      expect([status === 0, stdout]).toEqual([false, ""]);
      expect(await tproxy.audit.record("session", isDenied)).toMatchObject({ reason: "tls_unavailable" });
    });
  },
  ["binary"],
);

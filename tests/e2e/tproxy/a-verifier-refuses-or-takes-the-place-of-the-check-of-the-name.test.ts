/** `tproxy run --verifier`: a TypeScript module decides about servers of a good chain; one that throws or loops refuses. */
import { beforeAll, expect, test } from "bun:test";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import { asUser, RunningTproxy } from "../../support/tproxy-scene.ts";
import { NETWORK_NEEDS, openNetworks, type TwoNetworks } from "../../support/two-networks.ts";
import { startWebServers } from "../../support/web-servers.ts";

const NEEDS = [...NETWORK_NEEDS, "curl", "nginx", "openssl"];
const VERIFIER = `
interface Question { chain: Uint8Array[]; names: { dns: string[] }; serverName: string; facts: Record<string, unknown> }
export default function verify({ chain, names, serverName, facts }: Question): string | { refuse: string } {
  if (facts["host"] !== serverName || facts["client.uid"] !== 2001 || chain.length !== 3) return { refuse: "no facts" };
  if (serverName === "no.example") return { refuse: "not this one" };
  if (serverName === "throws.example") throw new Error("broken");
  while (serverName === "loops.example");
  return names.dns.some((name) => name.endsWith(".instances.example")) ? "accept" : "check";
}
`;

scenario(import.meta.file, NEEDS, ({ scene, portail }) => {
  const ca = authority("Servers");
  const clients = authority("Clients");
  const own = save(scene, "alice", clients.issue({ cn: "alice" }));
  const clientCa = scene.write("clients.pem", clients.cert);
  const strangers = authority("Strangers");
  const issuer = ca.intermediate();
  const certificates = {
    good: issuer.issue({ san: ["DNS:good.example"] }),
    no: issuer.issue({ san: ["DNS:no.example"] }),
    throws: issuer.issue({ san: ["DNS:throws.example"] }),
    loops: issuer.issue({ san: ["DNS:loops.example"] }),
    accepted: issuer.issue({ san: ["DNS:db-7.instances.example"] }),
    checked: issuer.issue({ san: ["DNS:other.example"] }),
    stranger: strangers.issue({ san: ["DNS:db-7.instances.example"] }),
  };
  const names = Object.keys(certificates);
  const hosts = names.map((name, i) => `198.18.0.${i + 1} ${name}.example\n`).join("");
  const config = scene.write(
    "tproxy.toml",
    `
keystore = "${own.keystore}"
cacert = "${scene.write("ca.pem", ca.cert)}"
hosts = "${scene.write("hosts", hosts)}"
verifier = "${scene.write("verifier.ts", VERIFIER)}"
verifier-timeout = "400ms"
[[rule]]
target = "10.9.0.2"
`,
  );
  let nets: TwoNetworks;
  let tproxy: RunningTproxy;

  beforeAll(async () => {
    nets = await openNetworks(scene);
    const servers = Object.entries(certificates).map(([name, certificate]) => {
      const { cert, key } = save(scene, name, certificate);
      return { name: `${name}.example`, cert, key, clientCa };
    });
    await startWebServers(scene, nets.far, ["10.9.0.2"], servers);
    tproxy = await RunningTproxy.start(scene, portail, nets.near, ["--config", config]);
  }, 60_000);

  test.each([
    ["good", undefined],
    ["accepted", undefined],
    ["no", "verifier_refused"],
    ["throws", "verifier_failed"],
    ["loops", "verifier_timeout"],
    ["checked", "server_name_mismatch"],
    ["stranger", "unknown_ca"],
    ["good", undefined],
  ])("%s: %s", async (name, reason) => {
    tproxy.audit.forget();
    const known = ["--resolve", `${name}.example:8443:198.18.0.${names.indexOf(name) + 1}`];
    const curl = ["curl", "--silent", "--max-time", "20", ...known, `http://${name}.example:8443/`];
    const { stdout } = await asUser(nets.near, 2001, curl);
    expect(stdout).toBe(reason === undefined ? `${name}.example CN=alice\n` : "");
    expect(await tproxy.audit.record("session", ({ target }) => target === `${name}.example:443`)).toMatchObject(
      reason === undefined ? { decision: "allow" } : { decision: "deny", reason },
    );
  });
});

/** dnsmasq as a resolver that knows a few names and nothing else. Asserts nothing. */
import type { OwnNetwork } from "./own-network.ts";
import type { Scene } from "./scene.ts";
import { until } from "./until.ts";

/** At `address` of `net`; each name with all below it has the addresses that stand with it. */
export async function startResolver(
  scene: Scene,
  net: OwnNetwork,
  address: string,
  zone: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  const quiet = ["--keep-in-foreground", "--no-hosts", "--no-resolv", "--bind-interfaces", "--conf-file=/dev/null"];
  const names = Object.entries(zone).flatMap(([name, all]) => all.map((ip) => `--address=/${name}/${ip}`));
  net.start(scene, ["dnsmasq", ...quiet, `--listen-address=${address}`, ...names]);
  const [name] = Object.keys(zone);
  await until("the resolver", async () => (await net.run(["kdig", `@${address}`, "+short", name!])).stdout !== "");
}

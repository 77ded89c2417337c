/** Two networks with a wire between them: where clients are, and where servers are. Asserts nothing. */
import { OwnNetwork } from "./own-network.ts";
import type { Scene } from "./scene.ts";

export interface TwoNetworks {
  /** 10.9.0.1 and fd09::1; everything else is behind the wire. */
  near: OwnNetwork;
  /** 10.9.0.2 to 10.9.0.4 and fd09::2 to fd09::4. */
  far: OwnNetwork;
}

/** What a scenario with several users and networks needs: it makes them as root only. */
export const NETWORK_NEEDS: readonly string[] = [
  "ip",
  "nft",
  "unshare",
  "nsenter",
  "setpriv",
  ...(process.getuid?.() === 0 ? [] : ["root"]),
];

export async function openNetworks(scene: Scene): Promise<TwoNetworks> {
  const [near, far] = await Promise.all([OwnNetwork.open(scene), OwnNetwork.open(scene)]);
  await inside(near, `ip link add wire type veth peer name wire netns ${far.pid}`);
  await inside(near, addresses(["1"]), "ip link set wire up", "ip route add default via 10.9.0.2");
  await inside(far, addresses(["2", "3", "4"]), "ip link set wire up");
  await inside(near, "ip -6 route add default via fd09::2");
  return { near, far };
}

function addresses(hosts: readonly string[]): string {
  return hosts
    .map((n) => `ip addr add 10.9.0.${n}/24 dev wire && ip addr add fd09::${n}/64 dev wire nodad`)
    .join(" && ");
}

async function inside(network: OwnNetwork, ...lines: string[]): Promise<void> {
  const { status, stderr } = await network.run(["sh", "-ec", lines.join("\n")]);
  if (status !== 0) throw new Error(stderr);
}

/** A /dev/log of its own for a program: a mount namespace in which it leads to a socket of the test. Changes nothing of this machine's. */
import { whichPeer } from "../../scripts/peer-list.ts";
import { start, type Program } from "./program.ts";
import type { Scene } from "./scene.ts";

/** A /dev that has what a program needs, and a `log` that leads to $2. $1 is where it is built. */
const NAMESPACE = `
dev=$1 log=$2; shift 2
mount -t tmpfs none "$dev"
for name in null zero random urandom; do : > "$dev/$name"; mount --bind "/dev/$name" "$dev/$name"; done
ln -s /proc/self/fd "$dev/fd"
ln -s "$log" "$dev/log"
mount --rbind "$dev" /dev
exec "$@"
`;

const UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"];
/** A kernel may keep ordinary users from namespaces: that counts as a program that is missing. */
const possible = whichPeer("unshare") !== null && Bun.spawnSync([...UNSHARE, "true"]).exitCode === 0;

/** What a test needs that mounts in a namespace of its own. */
export const MOUNTING = possible ? "unshare" : "unshare --mount";
export const OWN_SYSLOG_NEEDS = ["python3", MOUNTING];

/** Starts `command` with a /dev/log that leads to `socket`. */
export function withSyslog(scene: Scene, socket: string, command: readonly string[]): Program {
  return start(scene, [...UNSHARE, "sh", "-ec", NAMESPACE, "sh", scene.mkdir("dev"), socket, ...command]);
}

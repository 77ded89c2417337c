/** `portail socks --syslog`, with a /dev/log of its own in a mount namespace, and a python3 process behind it. */
import { expect, test } from "bun:test";
import { whichPeer } from "../../../scripts/peer-list.ts";
import { allowLocal } from "../../support/access-proxy.ts";
import { Receiver, socketPath } from "../../support/datagrams.ts";
import { start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";

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

scenario(import.meta.file, ["python3", possible ? "unshare" : "unshare --mount"], ({ scene, portail }) => {
  const socksWith = (log: string) => {
    const acl = scene.write("local.acl", allowLocal(1));
    const socks = [...portail.command, "socks", "--listen", "127.0.0.1:0", "--acl", acl, "--syslog"];
    return start(scene, [...UNSHARE, "sh", "-ec", NAMESPACE, "sh", scene.mkdir("dev"), log, ...socks]);
  };

  test("lines go there, with their level; standard error has none of them", async () => {
    const log = socketPath(scene, "log.sock");
    const daemon = await Receiver.open(scene, "datagram", log);
    const program = socksWith(log);
    const { text, pid } = await daemon.message(/listening on/);
    expect(text).toMatch(new RegExp(`^<30>.* portail\\[\\d+\\]: listening on 127\\.0\\.0\\.1:\\d+ policy=`));
    expect(pid).toBe(program.pid);
    program.signal("SIGTERM");
    expect(await program.ended).toBe(0);
    await daemon.message(/^<30>.*SIGTERM: draining open=0$/);
    expect(program.stderr).toBe("");
  });

  test("where there is no syslog, it does not start", async () => {
    const program = socksWith(socketPath(scene, "nobody"));
    expect(await program.ended).toBe(69);
    expect(program.stderr).toContain("no syslog at /dev/log: there is no such socket [syslog.unavailable]");
  });
});

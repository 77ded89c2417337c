/** `portail socks --syslog`, with a /dev/log of its own and a python3 process behind it. */
import { expect, test } from "bun:test";
import { allowLocal } from "../../support/access-proxy.ts";
import { Receiver, socketPath } from "../../support/datagrams.ts";
import { OWN_SYSLOG_NEEDS, withSyslog } from "../../support/own-syslog.ts";
import { scenario } from "../../support/scenario.ts";

scenario(import.meta.file, OWN_SYSLOG_NEEDS, ({ scene, portail }) => {
  const socksWith = (log: string) => {
    const acl = scene.write("local.acl", allowLocal(1));
    return withSyslog(scene, log, [...portail.command, "socks", "--listen", "127.0.0.1:0", "--acl", acl, "--syslog"]);
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

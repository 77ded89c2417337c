/** sd_notify(3) of `portail socks`, as received by a python3 process in the place of the service manager. */
import { expect, test } from "bun:test";
import { allowLocal } from "../../support/access-proxy.ts";
import { Receiver, socketPath } from "../../support/datagrams.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";

scenario(import.meta.file, ["python3", "systemd-notify"], ({ scene, portail }) => {
  test("READY, RELOADING and READY again, STOPPING, all from the main process", async () => {
    const NOTIFY_SOCKET = socketPath(scene, "notify");
    const manager = await Receiver.open(scene, "datagram", NOTIFY_SOCKET);
    const proxy = await portail.socks({ policy: allowLocal(1), env: { NOTIFY_SOCKET } });
    await manager.message(/^READY=1/);
    expect(await proxy.reload(allowLocal(1, 2))).toMatchObject({ outcome: "done" });
    expect(await proxy.reload("policy broken {")).toMatchObject({ outcome: "kept" });
    await manager.message(/the last reload failed/);
    expect(await proxy.stop()).toBe(0);
    await manager.message(/^STOPPING=1/);
    const reloading = expect.stringMatching(/^RELOADING=1\nMONOTONIC_USEC=\d+$/);
    const ready = `READY=1\nSTATUS=listening on 127.0.0.1:${proxy.port}`;
    expect(manager.received.map(({ text }) => text)).toEqual([
      ready,
      reloading,
      ready,
      reloading,
      `${ready}; the last reload failed`,
      "STOPPING=1\nSTATUS=draining, 0 open",
    ]);
    expect(new Set(manager.received.map(({ pid }) => pid))).toEqual(new Set([proxy.program.pid]));
  });

  test("an abstract socket, and WATCHDOG until the end", async () => {
    const NOTIFY_SOCKET = `@portail-e2e-${process.pid}-${Math.random()}`;
    const manager = await Receiver.open(scene, "datagram", NOTIFY_SOCKET);
    const env = { NOTIFY_SOCKET, WATCHDOG_USEC: "100000" };
    const proxy = await portail.socks({ policy: allowLocal(1), env });
    await manager.message(/^WATCHDOG=1$/);
    expect(await proxy.stop()).toBe(0);
    const sent = await run(["systemd-notify", "--ready", "--status=systemd was here"], { env: { NOTIFY_SOCKET } });
    expect(sent.status).toBe(0);
    // What systemd's own program sends is received in the same way: the receiver is not made for us.
    await manager.message(/STATUS=systemd was here/);
  });

  test("--timed-reload reloads by itself", async () => {
    const proxy = await portail.socks({ policy: allowLocal(1), args: ["--timed-reload", "50ms"] });
    await proxy.record("reload");
    proxy.forget();
    await proxy.record("reload");
    expect(await proxy.stop()).toBe(0);
  });
});

/** sd_notify(3) of `portail tunnel`, as received by a python3 process in the place of the service manager. */
import { expect, test } from "bun:test";
import { connect } from "node:net";
import { countingTarget } from "../../support/counting-target.ts";
import { Receiver, socketPath } from "../../support/datagrams.ts";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import type { TunnelOptions } from "../../support/tunnel-scene.ts";
import { until } from "../../support/until.ts";

scenario(import.meta.file, ["python3", "openssl"], ({ scene, portail }) => {
  const ca = authority();
  const tunnel = (side: TunnelOptions["side"], target: string, env: Record<string, string> = {}) => {
    const identity = ["--keystore", save(scene, side, ca.issue({ cn: side })).keystore];
    const args = [
      ...identity,
      "--cacert",
      scene.write("ca.pem", ca.cert),
      ...(side === "server" ? ["--allow-all"] : []),
    ];
    return portail.tunnel({ side, target, args: [...args, "--status", "http://127.0.0.1:0"], env });
  };

  test("READY, RELOADING and READY again, STOPPING while a connection is open, all from the main process", async () => {
    const NOTIFY_SOCKET = socketPath(scene, "notify");
    const manager = await Receiver.open(scene, "datagram", NOTIFY_SOCKET);
    const target = await countingTarget(scene);
    const server = await tunnel("server", target.text);
    const client = await tunnel("client", `localhost:${server.port}`, { NOTIFY_SOCKET });
    await manager.message(/^READY=1/);
    // It is as ready as it says: the status listener is there, too.
    expect((await fetch(`http://${await client.status()}/_status`)).status).toBe(200);
    expect(await client.reload("SIGHUP")).toMatchObject({ outcome: "done" });
    expect(await client.reload("SIGUSR1")).toMatchObject({ outcome: "done" });
    scene.write("client.pem", "no certificate at all");
    expect(await client.reload("SIGHUP")).toMatchObject({ outcome: "kept" });
    await manager.message(/the last reload failed/);

    const app = connect(client.port, "127.0.0.1");
    app.write("still there");
    await new Promise((resolve) => app.once("data", resolve));
    client.program.signal("SIGTERM");
    await manager.message(/^STOPPING=1/);
    expect(client.program.running).toBe(true);
    app.end();
    expect(await client.program.ended).toBe(0);

    const reloading = expect.stringMatching(/^RELOADING=1\nMONOTONIC_USEC=\d+$/);
    const ready = `READY=1\nSTATUS=listening on 127.0.0.1:${client.port}`;
    expect(manager.received.map(({ text }) => text)).toEqual([
      ready,
      reloading,
      ready,
      reloading,
      ready,
      reloading,
      `${ready}; the last reload failed`,
      "STOPPING=1\nSTATUS=draining, 1 open",
    ]);
    expect(new Set(manager.received.map(({ pid }) => pid))).toEqual(new Set([client.program.pid]));
  });

  test("WATCHDOG from the start to the end, on an abstract socket", async () => {
    const NOTIFY_SOCKET = `@portail-tunnel-${process.pid}-${Math.random()}`;
    const manager = await Receiver.open(scene, "datagram", NOTIFY_SOCKET);
    const target = await countingTarget(scene);
    const server = await tunnel("server", target.text, { NOTIFY_SOCKET, WATCHDOG_USEC: "100000" });
    const fed = () => manager.received.filter(({ text }) => text === "WATCHDOG=1").length;
    await until("three signs of life", () => fed() >= 3);
    server.program.signal("SIGHUP");
    await manager.message(/^RELOADING=1/);
    const before = fed();
    await until("more of them after the reload", () => fed() >= before + 2);
    expect(await server.stop()).toBe(0);
    await manager.message(/^STOPPING=1/);
    const rest = manager.received.map(({ text }) => text.split("\n")[0]).filter((text) => text !== "WATCHDOG=1");
    expect(rest).toEqual(["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]);
  });
});

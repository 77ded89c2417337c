/** What the service manager is told, as received by python3, and what happens where it cannot be told. */
import { afterAll, describe, expect, test } from "bun:test";
import { liveUntilStopped } from "../../../../lib/service/life.ts";
import { openNotifier, watchdogInterval } from "../../../../lib/service/notify.ts";
import { fakeRuntime } from "../../../adversarial/harness.ts";
import { Receiver, socketPath } from "../../../support/datagrams.ts";
import { leaveOut, missing } from "../../../support/needs.ts";
import { Scene } from "../../../support/scene.ts";

const scene = new Scene();
afterAll(() => scene.close());

function notifier(env: Record<string, string>) {
  const { log, lines } = fakeRuntime();
  const it = openNotifier(env, log);
  scene.defer(() => it.close());
  return { it, lines };
}

describe("where it cannot be told", () => {
  test.each([[{}], [{ NOTIFY_SOCKET: "" }]])("no socket (%j): nothing happens", (env) => {
    const { it, lines } = notifier(env as Record<string, string>);
    it.ready("listening");
    it.reloading();
    it.stopping("draining");
    expect(lines).toEqual([]);
  });

  test.each([
    ["relative/path", "neither a path"],
    ["vsock:2:1234", "neither a path"],
    [`/${"a".repeat(200)}`, "too long"],
  ])("%s: a warning says why", (NOTIFY_SOCKET, why) => {
    const { it, lines } = notifier({ NOTIFY_SOCKET });
    it.ready("listening");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toStartWith("warn ");
    expect(lines[0]).toContain(why);
  });

  test("nobody is there: one warning for all messages", () => {
    const { it, lines } = notifier({ NOTIFY_SOCKET: scene.path("nobody") });
    it.ready("listening");
    it.reloading();
    expect(lines).toEqual([expect.stringMatching(/^warn .*ENOENT/)]);
  });
});

describe("the watchdog is fed at half of its patience", () => {
  const mine = String(process.pid);
  test.each([
    [{ WATCHDOG_USEC: "3000000" }, 1500],
    [{ WATCHDOG_USEC: "3000000", WATCHDOG_PID: mine }, 1500],
    [{ WATCHDOG_USEC: "3000000", WATCHDOG_PID: "1" }, 0],
    [{ WATCHDOG_USEC: "3000000", WATCHDOG_PID: "" }, 0],
    [{ WATCHDOG_USEC: "0" }, 0],
    [{ WATCHDOG_USEC: "soon" }, 0],
    [{ WATCHDOG_PID: mine }, 0],
  ])("%j: %d ms", (env, interval) => {
    expect(watchdogInterval(env as Record<string, string>)).toBe(interval);
  });
});

const absent = missing(["python3"]);
if (absent.length > 0) leaveOut("a service manager is told how a daemon is", absent);
else {
  test("messages are those of sd_notify(3), in order", async () => {
    const NOTIFY_SOCKET = socketPath(scene, "notify");
    const manager = await Receiver.open(scene, "datagram", NOTIFY_SOCKET);
    const { it, lines } = notifier({ NOTIFY_SOCKET });
    it.ready("listening on 127.0.0.1:1080");
    it.reloading();
    it.ready("two\nWATCHDOG=trigger");
    it.stopping("draining, 3 open");
    await manager.message(/STOPPING/);
    const texts = manager.received.map(({ text }) => text);
    expect(texts).toEqual([
      "READY=1\nSTATUS=listening on 127.0.0.1:1080",
      expect.stringMatching(/^RELOADING=1\nMONOTONIC_USEC=\d+$/),
      "READY=1\nSTATUS=two WATCHDOG=trigger",
      "STOPPING=1\nSTATUS=draining, 3 open",
    ]);
    expect(lines).toEqual([]);
  });

  test("a reload that is under way at the stop ends in silence", async () => {
    const NOTIFY_SOCKET = socketPath(scene, "reload");
    const manager = await Receiver.open(scene, "datagram", NOTIFY_SOCKET);
    const runtime = fakeRuntime({ NOTIFY_SOCKET });
    const [reloaded, drained] = [Promise.withResolvers<"done">(), Promise.withResolvers<void>()];
    const daemon = { summary: "up", open: 0, reload: () => reloaded.promise, drain: () => drained.promise, cut() {} };
    const status = liveUntilStopped(runtime, async () => daemon, { shutdownTimeout: 60_000, timedReload: 0 });
    await manager.message(/^READY/);
    runtime.signal("SIGHUP");
    await manager.message(/^RELOADING/);
    runtime.signal("SIGTERM");
    await manager.message(/^STOPPING/);
    reloaded.resolve("done");
    // What would be said now has been sent when this has arrived.
    await Bun.sleep(5);
    const { it } = notifier({ NOTIFY_SOCKET });
    it.ready("the last");
    await manager.message(/the last/);
    drained.resolve();
    expect(await status).toBe(0);
    const kinds = manager.received.map(({ text }) => text.split("=")[0]);
    expect(kinds).toEqual(["READY", "RELOADING", "STOPPING", "READY"]);
  });

  test("a manager that is slow to read gets the rest once it reads, the newest last", async () => {
    const NOTIFY_SOCKET = socketPath(scene, "slow");
    const manager = await Receiver.open(scene, "datagram", NOTIFY_SOCKET, true);
    const { it } = notifier({ NOTIFY_SOCKET });
    // More than the queue of an AF_UNIX socket holds (net.unix.max_dgram_qlen, 10 or 512).
    for (let i = 0; i < 600; i++) it.reloading();
    it.ready("listening");
    await manager.release();
    await manager.message(/^READY=1/);
    expect(manager.received.at(-1)!.text).toBe("READY=1\nSTATUS=listening");
    expect(manager.received.length).toBeGreaterThan(64);
  });

  test("the watchdog is fed again and again", async () => {
    const NOTIFY_SOCKET = `@portail-watchdog-${process.pid}`;
    const manager = await Receiver.open(scene, "datagram", NOTIFY_SOCKET);
    notifier({ NOTIFY_SOCKET, WATCHDOG_USEC: "20000" });
    await manager.message(/^WATCHDOG=1$/);
    const before = manager.received.length;
    while (manager.received.length === before) await Bun.sleep(5);
  });
}

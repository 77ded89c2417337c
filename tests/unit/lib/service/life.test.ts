/** Signals of a daemon: drain, cut, reload. */
import { describe, expect, test } from "bun:test";
import { liveUntilStopped, type Daemon } from "../../../../lib/service/life.ts";
import { fakeRuntime } from "../../../adversarial/harness.ts";
import { until } from "../net/support.ts";

/** A daemon that notes what it is told; `ended` lets its drain end. */
function daemon() {
  const calls: string[] = [];
  const drained = Promise.withResolvers<void>();
  const it: Daemon = {
    open: 3,
    reload: () => (calls.push("reload"), Promise.resolve()),
    drain: () => (calls.push("drain"), drained.promise),
    cut: () => (calls.push("cut"), drained.resolve()),
  };
  return { it, calls, ended: () => drained.resolve() };
}

function living(timeout: number) {
  const runtime = fakeRuntime();
  const { it, calls, ended } = daemon();
  const status = liveUntilStopped(runtime, () => Promise.resolve(it), timeout);
  return { runtime, calls, ended, status };
}

describe.each(["SIGTERM", "SIGINT"] as const)("%s", (signal) => {
  test("drains; status 0 when all has ended by itself", async () => {
    const { runtime, calls, ended, status } = living(60_000);
    await Bun.sleep(0);
    runtime.signal(signal);
    await until(() => calls.includes("drain"));
    expect(runtime.lines.join()).toContain(`${signal}: draining`);
    ended();
    expect(await status).toBe(0);
    expect(calls).toEqual(["drain"]);
  });

  test("again: what is open is cut, status 1", async () => {
    const { runtime, calls, status } = living(60_000);
    await Bun.sleep(0);
    runtime.signal(signal);
    await until(() => calls.includes("drain"));
    runtime.signal(signal);
    expect(await status).toBe(1);
    expect(calls).toEqual(["drain", "cut"]);
  });
});

test("after the shutdown timeout what is open is cut, status 1", async () => {
  const { runtime, calls, status } = living(20);
  await Bun.sleep(0);
  runtime.signal("SIGTERM");
  expect(await status).toBe(1);
  expect(calls).toEqual(["drain", "cut"]);
  expect(runtime.lines.join()).toContain("timeout");
});

test("reloads as often as it is told, and no more once it drains", async () => {
  const { runtime, calls, ended, status } = living(60_000);
  await Bun.sleep(0);
  runtime.signal("SIGHUP");
  runtime.signal("SIGUSR1");
  await until(() => calls.length === 2);
  runtime.signal("SIGTERM");
  await until(() => calls.includes("drain"));
  runtime.signal("SIGHUP");
  await Bun.sleep(5);
  ended();
  await status;
  expect(calls).toEqual(["reload", "reload", "drain"]);
});

describe("while it opens", () => {
  test("a reload waits for it", async () => {
    const runtime = fakeRuntime();
    const { it, calls, ended } = daemon();
    const opening = Promise.withResolvers<Daemon>();
    const status = liveUntilStopped(runtime, () => opening.promise, 60_000);
    runtime.signal("SIGHUP");
    await Bun.sleep(5);
    expect(calls).toEqual([]);
    opening.resolve(it);
    await until(() => calls.includes("reload"));
    runtime.signal("SIGTERM");
    ended();
    expect(await status).toBe(0);
  });

  test("a stop is heard", async () => {
    const runtime = fakeRuntime();
    const { it, calls, ended } = daemon();
    const status = liveUntilStopped(runtime, async () => it, 60_000);
    runtime.signal("SIGTERM");
    ended();
    expect(await status).toBe(0);
    expect(calls).toEqual(["drain"]);
  });

  test("a failure is thrown, and the signals are given back", async () => {
    const runtime = fakeRuntime();
    const failure = new Error("the address is in use");
    expect(liveUntilStopped(runtime, () => Promise.reject(failure), 60_000)).rejects.toBe(failure);
    await Bun.sleep(0);
    runtime.signal("SIGTERM");
    expect(runtime.lines).toEqual([]);
  });
});

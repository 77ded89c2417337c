/** Signals of a daemon: drain, cut, reload. */
import { describe, expect, test } from "bun:test";
import {
  liveUntilStopped,
  type Daemon,
  type Life,
  type LifeOptions,
  type ReloadOutcome,
} from "../../../../lib/service/life.ts";
import { fakeRuntime } from "../../../adversarial/harness.ts";
import { until } from "../net/support.ts";

const PATIENT: LifeOptions = { shutdownTimeout: 60_000, timedReload: 0 };

/** A daemon that notes what it is told; `ended` lets its drain end. */
function daemon(reload = (): Promise<ReloadOutcome> => Promise.resolve("done")) {
  const calls: string[] = [];
  const drained = Promise.withResolvers<void>();
  const it: Daemon = {
    open: 3,
    summary: "listening",
    reload: () => (calls.push("reload"), reload()),
    drain: () => (calls.push("drain"), drained.promise),
    cut: () => (calls.push("cut"), drained.resolve()),
  };
  return { it, calls, ended: () => drained.resolve() };
}

function living(options: Partial<LifeOptions> = {}, reload?: () => Promise<ReloadOutcome>) {
  const runtime = fakeRuntime();
  const { it, calls, ended } = daemon(reload);
  let life!: Life;
  const open = async (given: Life) => {
    life = given;
    return it;
  };
  const status = liveUntilStopped(runtime, open, { ...PATIENT, ...options });
  return { runtime, calls, ended, status, life };
}

describe.each(["SIGTERM", "SIGINT"] as const)("%s", (signal) => {
  test("drains; status 0 when all has ended by itself", async () => {
    const { runtime, calls, ended, status } = living();
    await Bun.sleep(0);
    runtime.signal(signal);
    await until(() => calls.includes("drain"));
    expect(runtime.lines.join()).toContain(`${signal}: draining`);
    ended();
    expect(await status).toBe(0);
    expect(calls).toEqual(["drain"]);
  });

  test("again: what is open is cut, status 1", async () => {
    const { runtime, calls, status } = living();
    await Bun.sleep(0);
    runtime.signal(signal);
    await until(() => calls.includes("drain"));
    runtime.signal(signal);
    expect(await status).toBe(1);
    expect(calls).toEqual(["drain", "cut"]);
  });
});

test("after the shutdown timeout what is open is cut, status 1", async () => {
  const { runtime, calls, status } = living({ shutdownTimeout: 20 });
  await Bun.sleep(0);
  runtime.signal("SIGTERM");
  expect(await status).toBe(1);
  expect(calls).toEqual(["drain", "cut"]);
  expect(runtime.lines.join()).toContain("timeout");
});

test("reloads as often as it is told, and no more once it drains", async () => {
  const { runtime, calls, ended, status } = living();
  await Bun.sleep(0);
  runtime.signal("SIGHUP");
  await until(() => calls.length === 1);
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
    const status = liveUntilStopped(runtime, () => opening.promise, PATIENT);
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
    const status = liveUntilStopped(runtime, async () => it, PATIENT);
    runtime.signal("SIGTERM");
    ended();
    expect(await status).toBe(0);
    expect(calls).toEqual(["drain"]);
  });

  test("a failure is thrown, and the signals are given back", async () => {
    const runtime = fakeRuntime();
    const failure = new Error("the address is in use");
    expect(liveUntilStopped(runtime, () => Promise.reject(failure), PATIENT)).rejects.toBe(failure);
    await Bun.sleep(0);
    runtime.signal("SIGTERM");
    expect(runtime.lines).toEqual([]);
  });
});

describe("a reload", () => {
  /** A daemon whose reloads end when they are told to. */
  function reloading() {
    const ends: ((outcome: ReloadOutcome) => void)[] = [];
    const it = living({}, () => new Promise((resolve) => ends.push(resolve)));
    return { ...it, ends };
  }

  test("asked for while one runs comes after it, once however often it was asked for", async () => {
    const { runtime, calls, ends, life, ended, status } = reloading();
    await Bun.sleep(0);
    runtime.signal("SIGHUP");
    await until(() => ends.length === 1);
    for (let i = 0; i < 5; i++) runtime.signal("SIGHUP");
    await Bun.sleep(5);
    expect(calls).toEqual(["reload"]);
    ends[0]!("done");
    await until(() => ends.length === 2);
    ends[1]!("kept");
    await until(() => life.state === "listening");
    expect(life.reloads).toEqual({ done: 1, kept: 1 });
    runtime.signal("SIGTERM");
    ended();
    await status;
    expect(calls).toEqual(["reload", "reload", "drain"]);
  });

  test("tells who asked for it how it ended, not how one ended that ran already", async () => {
    const { ends, life, ended, status } = reloading();
    await Bun.sleep(0);
    const first = life.reload();
    await until(() => ends.length === 1);
    const second = life.reload();
    ends[0]!("done");
    expect(await first).toBe("done");
    await until(() => ends.length === 2);
    ends[1]!("kept");
    expect(await second).toBe("kept");
    const late = life.reload();
    await until(() => ends.length === 3);
    const never = life.reload();
    life.stop("test");
    expect(await life.reload()).toBeUndefined();
    ends[2]!("done");
    expect([await late, await never]).toEqual(["done", undefined]);
    ended();
    await status;
  });

  test("is seen from outside: the state while it runs, when and how the last one ended", async () => {
    const { runtime, ends, life, ended, status } = reloading();
    expect(life.state).toBe("initializing");
    await Bun.sleep(0);
    expect([life.state, life.lastReload]).toEqual(["listening", undefined]);
    runtime.signal("SIGUSR1");
    await until(() => ends.length === 1);
    expect([life.state, life.lastReload]).toEqual(["reloading", undefined]);
    ends[0]!("kept");
    await until(() => life.state === "listening");
    expect(life.lastReload).toEqual({ time: expect.any(Date), outcome: "kept" });
    runtime.signal("SIGTERM");
    expect(life.state).toBe("stopping");
    ended();
    await status;
  });

  test("that still runs at the stop does not make it serve again", async () => {
    const { runtime, calls, ends, life, ended, status } = reloading();
    await Bun.sleep(0);
    runtime.signal("SIGHUP");
    runtime.signal("SIGHUP");
    await until(() => ends.length === 1);
    runtime.signal("SIGTERM");
    await until(() => calls.includes("drain"));
    ends[0]!("done");
    await Bun.sleep(5);
    expect([life.state, ends.length]).toEqual(["stopping", 1]);
    ended();
    expect(await status).toBe(0);
  });

  test("comes by itself, again and again, until the stop", async () => {
    const { runtime, calls, ended, status } = living({ timedReload: 5 });
    await until(() => calls.length >= 3);
    runtime.signal("SIGTERM");
    await until(() => calls.includes("drain"));
    await Bun.sleep(20);
    ended();
    await status;
    expect(calls.at(-1)).toBe("drain");
    expect(runtime.lines.join()).not.toContain("ignored");
  });
});

test("stop() drains as SIGTERM does, names its reason, and a second one cuts nothing", async () => {
  const { runtime, calls, life, ended, status } = living();
  await Bun.sleep(0);
  life.stop("POST /_shutdown");
  life.stop("POST /_shutdown");
  await until(() => calls.includes("drain"));
  expect(runtime.lines).toEqual(['info POST /_shutdown: draining {"open":3}']);
  ended();
  expect(await status).toBe(0);
  expect(calls).toEqual(["drain"]);
});

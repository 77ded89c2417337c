/** The generators against their own target, without a proxy: they count what succeeds and what fails. */
import { afterEach, expect, test } from "bun:test";
import type { BulkResult, HoldResult, LatencyResult, RateResult, SilentResult } from "../../../bench/load/plan.ts";
import { runLoad, startLoad } from "../../../bench/support/load.ts";
import { freePort, stopAll } from "../../../bench/support/process.ts";

afterEach(stopAll);

const LIMIT = 20_000;

async function target() {
  const { answer } = await startLoad<{ port: number }>("target", {}, LIMIT);
  return { via: "none", port: answer.port, targetPort: answer.port };
}

test("bulk counts the bytes of all its connections", async () => {
  const plan = { ...(await target()), connections: 2, warmupMs: 50, durationMs: 100 };
  const result = await runLoad<BulkResult>("bulk", plan, LIMIT);
  expect(result.failures).toBe(0);
  expect(result.bytesPerSecond).toBeGreaterThan(0);
  expect(result.totalBytes).toBeGreaterThan(0);
});

test("rate, latency and hold prove their echoes", async () => {
  const route = await target();
  const rate = await runLoad<RateResult>("rate", { ...route, parallel: 4, warmupMs: 20, durationMs: 100 }, LIMIT);
  expect(rate.failures).toBe(0);
  expect(rate.total).toBeGreaterThan(70);
  const latency = await runLoad<LatencyResult>(
    "latency",
    { ...route, echoes: 500, warmup: 100, limitMs: LIMIT },
    LIMIT,
  );
  expect(latency).toMatchObject({ echoes: 500, failures: 0 });
  expect(latency.proxied.p50).toBeLessThanOrEqual(latency.proxied.p99);
  const hold = await startLoad<HoldResult>("hold", { ...route, tunnels: 100, limitMs: LIMIT }, LIMIT);
  expect(hold.answer).toEqual({ held: 100, failures: 0 });
});

test("a proxy that refuses is counted as failure by every generator", async () => {
  const route = { via: "socks", port: freePort(), targetPort: 1 };
  const bulk = await runLoad<BulkResult>("bulk", { ...route, connections: 3, warmupMs: 50, durationMs: 50 }, LIMIT);
  expect(bulk).toMatchObject({ totalBytes: 0, failures: 3 });
  const rate = await runLoad<RateResult>("rate", { ...route, parallel: 2, warmupMs: 20, durationMs: 50 }, LIMIT);
  expect(rate.total).toBe(0);
  expect(rate.failures).toBeGreaterThan(0);
  const latency = await runLoad<LatencyResult>("latency", { ...route, echoes: 10, warmup: 1, limitMs: LIMIT }, LIMIT);
  expect(latency).toMatchObject({ echoes: 0, failures: 1 });
  const hold = await runLoad<HoldResult>("hold", { ...route, tunnels: 5, limitMs: LIMIT }, LIMIT);
  expect(hold).toEqual({ held: 0, failures: 5 });
});

test("a proxy that answers with other bytes is counted as failure", async () => {
  using liar = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: (socket) => void socket.write("\xff") } });
  const route = { via: "none", port: liar.port, targetPort: liar.port };
  const hold = await runLoad<HoldResult>("hold", { ...route, tunnels: 5, limitMs: LIMIT }, LIMIT);
  expect(hold).toEqual({ held: 0, failures: 5 });
  const bulk = await runLoad<BulkResult>("bulk", { ...route, connections: 1, warmupMs: 50, durationMs: 50 }, LIMIT);
  expect(bulk.failures).toBe(1);
});

test("silent connections are held, and reopened when they are ended", async () => {
  let accepted = 0;
  using proxy = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        if (++accepted <= 5) socket.end();
      },
      data() {},
    },
  });
  const plan = { via: "none", port: proxy.port, targetPort: proxy.port, silent: 20, dripping: 5 };
  const load = await startLoad<SilentResult>("silent", plan, LIMIT);
  expect(load.answer.held).toBe(25);
  expect((await load.finish()).reopened).toBe(5);
});

/** The generators against their own target, without a proxy: they count what succeeds and what fails. */
import { afterEach, expect, test } from "bun:test";
import type { Socket } from "bun";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tls from "node:tls";
import type {
  BulkResult,
  DatagramResult,
  HoldResult,
  LatencyResult,
  RateResult,
  SilentResult,
  TapResult,
} from "../../../bench/load/plan.ts";
import { startTarget } from "../../../bench/support/contest.ts";
import { runLoad, startLoad } from "../../../bench/support/load.ts";
import { freePort } from "../../../support/free-port.ts";
import { stopAll } from "../../../bench/support/process.ts";
import { until } from "../../../support/until.ts";

afterEach(stopAll);

const LIMIT = 20_000;

async function target() {
  const [port] = await startTarget(1);
  return { via: "none", port: port!, targetPort: port! };
}

/** By the openssl program, for localhost. */
function selfSigned(): { key: string; cert: string } {
  const dir = mkdtempSync(join(tmpdir(), "portail-bench-test-"));
  try {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem"];
    const rest = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-out", "cert.pem"];
    Bun.spawnSync(["openssl", "req", "-x509", ...key, ...rest], { cwd: dir });
    return { key: readFileSync(join(dir, "key.pem"), "utf8"), cert: readFileSync(join(dir, "cert.pem"), "utf8") };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test("bulk counts the bytes of all its connections", async () => {
  const plan = { ...(await target()), connections: 2, warmupMs: 50, durationMs: 100 };
  const result = await runLoad<BulkResult>("bulk", plan, LIMIT);
  expect(result.failures).toBe(0);
  expect(result.bytesPerSecond).toBeGreaterThan(0);
  expect(result.totalBytes).toBeGreaterThan(0);
});

test("datagrams counts what its echo sends back, and associations that are refused as failures", async () => {
  const plan = { associations: 2, size: 64, window: 8, warmupMs: 50, durationMs: 100 };
  const echoed = await runLoad<DatagramResult>("datagrams", { via: "none", port: 0, targetPort: 0, ...plan }, LIMIT);
  expect(echoed).toMatchObject({ lost: 0, failures: 0 });
  expect(echoed.perSecond).toBeGreaterThan(0);
  expect(echoed.total).toBeGreaterThan(echoed.perSecond * 0.1);
  const refused = { via: "socks", port: freePort(), targetPort: 0, ...plan };
  expect(await runLoad<DatagramResult>("datagrams", refused, LIMIT)).toMatchObject({ total: 0, failures: 2 });
});

test("upload counts what the target swallowed, and what was sent to no one as failure", async () => {
  const route = await target();
  const plan = { ...route, connections: 2, warmupMs: 50, durationMs: 100 };
  const result = await runLoad<BulkResult>("upload", plan, LIMIT);
  expect(result.failures).toBe(0);
  expect(result.bytesPerSecond).toBeGreaterThan(0);
  expect(result.totalBytes).toBeGreaterThan(0);
  const refused = await runLoad<BulkResult>("upload", { ...plan, port: freePort() }, LIMIT);
  expect(refused).toMatchObject({ totalBytes: 0, failures: 2 });
});

test("upload through a proxy that changes a byte is counted as failure", async () => {
  const route = await target();
  using liar = Bun.listen<{ to: Socket | undefined }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      async open(socket) {
        socket.data = { to: undefined };
        socket.pause();
        socket.data.to = await Bun.connect({ hostname: "127.0.0.1", port: route.targetPort, socket: { data() {} } });
        socket.resume();
      },
      data(socket, bytes) {
        socket.data.to?.write(bytes[0] === 0x53 ? bytes.subarray(0, 1) : Buffer.alloc(16, 255));
      },
    },
  });
  const plan = { ...route, port: liar.port, connections: 1, warmupMs: 50, durationMs: 100 };
  expect((await runLoad<BulkResult>("upload", plan, LIMIT)).failures).toBe(1);
});

test("the tap passes on what is no handshake, and counts none", async () => {
  const route = await target();
  const tap = await startLoad<{ port: number } & TapResult>("tap", { to: route.port }, LIMIT);
  const plan = { ...route, port: tap.answer.port, parallel: 4, warmupMs: 20, durationMs: 100 };
  const { total, failures } = await runLoad<RateResult>("rate", plan, LIMIT);
  expect(failures).toBe(0);
  expect(total).toBeGreaterThan(0);
  expect(await tap.finish()).toMatchObject({ agreements: {}, full: 0, resumed: 0 });
});

test("the tap tells full handshakes from resumed ones", async () => {
  const { key, cert } = selfSigned();
  const server = tls.createServer({ key, cert, minVersion: "TLSv1.3" }, (socket) => {
    socket.on("error", () => {});
    socket.end("x");
  });
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  const { port: to } = server.address() as AddressInfo;
  const tap = await startLoad<{ port: number } & TapResult>("tap", { to }, LIMIT);
  const dial = (session?: Buffer) => {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>();
    const options = {
      host: "127.0.0.1",
      port: tap.answer.port,
      ca: cert,
      servername: "localhost",
      rejectUnauthorized: true,
    };
    let ticket: Buffer | undefined;
    tls
      .connect({ ...options, ...(session && { session }) })
      .on("session", (given) => (ticket = given))
      .on("error", reject)
      .on("close", () => resolve(ticket))
      .resume();
    return promise;
  };
  const ticket = await dial();
  await dial(ticket);
  await dial(ticket);
  server.close();
  expect(await tap.finish()).toMatchObject({ full: 1, resumed: 2, other: 0 });
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
  await until("25 connections and 5 that were opened anew", () => accepted === 30);
  expect((await load.finish()).reopened).toBe(5);
});

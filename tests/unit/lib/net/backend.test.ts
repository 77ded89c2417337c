/** What checks and requests find out of a backend, and that neither counts as the other. */
import { afterAll, beforeEach, expect, test } from "bun:test";
import { Backend, BackendFailure } from "../../../../lib/net/backend.ts";
import { parseBackendUrl } from "../../../../lib/net/backend-url.ts";
import { Deadlines } from "../../../../lib/net/deadlines.ts";
import { Dialer } from "../../../../lib/net/dial.ts";
import { Health } from "../../../../lib/net/health.ts";
import { KeepAlive } from "../../../../lib/net/keep-alive.ts";

const TIMEOUT = 5000;
const TARGET = { host: "192.0.2.1", port: 80 };
const keepAlive = new KeepAlive(0);
const tools = {
  dialer: new Dialer(TIMEOUT, keepAlive),
  checkDialer: new Dialer(TIMEOUT, keepAlive),
  resolve: () => Promise.reject(new Error("no names here")),
  keepAlive,
  timeout: TIMEOUT,
  env: {},
};

/** What it answers to CONNECT; undefined hangs up. */
let answer: string | undefined;
beforeEach(() => void (answer = "200 Connection established"));
const server = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  socket: {
    data: (socket) =>
      void (answer === undefined ? socket.end() : socket.write(`HTTP/1.1 ${answer}\r\nContent-Length: 0\r\n\r\n`)),
  },
});
afterAll(() => server.stop(true));
const url = `http://127.0.0.1:${server.port}`;

const backendAt = (target: string | undefined, dynamic = false) =>
  new Backend("b", target === undefined ? undefined : parseBackendUrl(target, "b"), { dynamic }, tools);

async function request(backend: Backend): Promise<string | undefined> {
  const opened = await backend.open(TARGET, "http");
  if (opened instanceof BackendFailure) return opened.message;
  opened.destroy();
  return undefined;
}

/** One whose state is told by hand: it never checks by itself. */
function checkedBy(backend: Backend): Health {
  const health = new Health({
    probe: () => new Promise(() => {}),
    rules: { interval: 3_600_000, fall: 1, rise: 1 },
    deadlines: new Deadlines(0),
    timeout: TIMEOUT,
    changed() {},
    clock: { now: () => 0, after: (_, call) => (call(), () => {}), chance: () => 0 },
  });
  backend.health = health;
  return health;
}

test("a probe says whether it leads to the target, or only whether it is there", async () => {
  const backend = backendAt(url);
  expect(await backend.probe(TARGET)).toBe("works");
  answer = "502 Bad Gateway";
  expect(await backend.probe(TARGET)).toEqual({ trouble: expect.stringContaining("502") });
  answer = "403 Forbidden";
  expect(await backend.probe(TARGET)).toEqual({ trouble: expect.stringContaining("403") });
  expect(await backend.probe(undefined)).toBe("works");
  const nobody = backendAt("http://127.0.0.1:1");
  expect(await nobody.probe(undefined)).toEqual({ trouble: expect.stringContaining("cannot connect") });
});

test("of one that leads nowhere nothing is known", async () => {
  const backend = backendAt(undefined, true);
  expect([await backend.probe(undefined), await backend.probe(TARGET)]).toEqual(["unknown", "unknown"]);
});

test("probes that fail are no attempts, and open no circuit", async () => {
  const backend = backendAt("http://127.0.0.1:1");
  for (let i = 0; i < 5; i++) await backend.probe(TARGET);
  expect(backend.counts).toEqual({ attempts: 0, opened: 0, failed: 0 });
  expect([backend.isOpenCircuit, backend.isUsed]).toEqual([false, true]);
});

test("what the backend says of a target opens no circuit, what is wrong with itself does", async () => {
  const backend = backendAt(url);
  answer = "502 Bad Gateway";
  for (let i = 0; i < 5; i++) expect(await request(backend)).toContain("502");
  expect(backend.isOpenCircuit).toBe(false);
  answer = undefined;
  for (let i = 0; i < 3; i++) await request(backend);
  expect([backend.isOpenCircuit, backend.isUsed]).toEqual([true, false]);
  expect(await request(backend)).toBe("it failed of late and is left alone for a while");
  expect(backend.counts).toEqual({ attempts: 8, opened: 0, failed: 8 });
});

test("its checks say that it works again: it is not left alone any more", async () => {
  const backend = backendAt(url);
  answer = undefined;
  for (let i = 0; i < 3; i++) await request(backend);
  expect(backend.isUsed).toBe(false);
  answer = "200 OK";
  backend.recovered();
  expect([backend.isUsed, await request(backend)]).toEqual([true, undefined]);
});

test("down by its checks, no request is sent there, and none counts", async () => {
  const backend = backendAt(url);
  const health = checkedBy(backend);
  expect(await request(backend)).toBeUndefined();
  health.start();
  health.late();
  expect(backend.isUsed).toBe(false);
  expect(await request(backend)).toBe("it is down by its checks: no answer within 5000 ms");
  expect(backend.counts).toEqual({ attempts: 1, opened: 1, failed: 0 });
});

test("led elsewhere it is another one; told the same place again, it is not", () => {
  const backend = backendAt(undefined, true);
  const health = checkedBy(backend);
  const lead = (port: number) => backend.update({ target: `192.0.2.1:${port}`, tls: false, serverName: undefined });
  const takeDown = () => {
    health.start();
    health.late();
    return health.trouble !== undefined;
  };
  lead(1080);
  expect([takeDown(), backend.isUsed]).toEqual([true, false]);
  lead(1080);
  expect(backend.isUsed).toBe(false);
  lead(1081);
  expect(backend.isUsed).toBe(true);
});

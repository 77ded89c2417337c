/** Pools of HTTP/2 connections: who dials, who waits, what is given up, and what is closed. The proxy is played with frames by hand. */
import { afterEach, expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { parseBackendUrl } from "../../../../lib/net/backend-url.ts";
import type { Conn } from "../../../../lib/net/conn.ts";
import { Http2Pool, type PoolFailure, type PoolWay } from "../../../../lib/net/http2-pool.ts";
import { frame, PREFACE, SETTINGS } from "../../../adversarial/raw-http2.ts";
import { dial, Notes, until } from "./support.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const url = parseBackendUrl("h2c://proxy.example:3128", "x");
const NO_WAY: PoolFailure = { message: "no way", about: "backend" };
const TARGET = { host: "web.example", port: 443 };

/** A proxy that opens every tunnel and sends nothing; connections are dialled when `go` is called. */
async function stage({ idle = 20_000, most = 32 } = {}) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {}).write(SETTINGS);
    let held = Buffer.alloc(0);
    let at = PREFACE.length;
    socket.on("data", (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      for (let length = 0; held.length >= at + 9; at += 9 + length) {
        length = held.readUIntBE(at, 3);
        if (held.length < at + 9 + length) return;
        if (held[at + 3] === 1) socket.write(frame(1, 4, held.readUInt32BE(at + 5), [0x88]));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const pool = new Http2Pool({ answer: 20_000, silence: 0, idle });
  ends.push(
    () => server.close(),
    () => pool.close(),
    () => sockets.forEach((socket) => socket.destroy()),
  );
  const dials: ((outcome?: PoolFailure | Conn) => Promise<void>)[] = [];
  const way = (more: Partial<PoolWay> = {}): PoolWay => ({
    proxy: (url as Extract<typeof url, { kind: "proxy" }>).proxy,
    most,
    prior: true,
    http1: false,
    connect: () => {
      const { promise, resolve } = Promise.withResolvers<Conn | PoolFailure>();
      dials.push(async (outcome) => resolve(outcome ?? (await dial([{ ip: "127.0.0.1", port }], 20_000))));
      return promise;
    },
    ...more,
  });
  return { pool, way, dials, sockets, plain: () => dial([{ ip: "127.0.0.1", port }], 20_000) };
}

test("those that come while a connection is being made wait for it", async () => {
  const { pool, way, dials } = await stage();
  const shared = way();
  const opened = Array.from({ length: 50 }, () => pool.open(shared, TARGET));
  await Promise.resolve();
  expect(dials).toHaveLength(1);
  await dials[0]!();
  expect((await Promise.all(opened)).map(({ kind }) => kind)).toEqual(Array.from({ length: 50 }, () => "open"));
  expect([dials.length, pool.connections, pool.tunnels]).toEqual([1, 1, 50]);
});

test("where it fails all are told, one as its own", async () => {
  const { pool, way, dials } = await stage();
  const shared = way();
  const opened = Array.from({ length: 5 }, () => pool.open(shared, TARGET));
  await dials[0]!(NO_WAY);
  const outcomes = await Promise.all(opened);
  expect(outcomes.map((outcome) => outcome.kind === "unreachable" && outcome.failure)).toEqual(
    Array.from(opened, () => NO_WAY),
  );
  expect(outcomes.filter((outcome) => outcome.kind === "unreachable" && !outcome.joined)).toHaveLength(1);
  // And the next one tries anew.
  const next = pool.open(shared, TARGET);
  await dials[1]!();
  expect((await next).kind).toBe("open");
});

test("where it turns out to speak HTTP/1.1 each goes on with a connection of its own", async () => {
  const { pool, way, dials, plain } = await stage();
  const shared = way({ prior: false, http1: true });
  const opened = Array.from({ length: 5 }, () => pool.open(shared, TARGET));
  await dials[0]!(await plain());
  expect((await opened[0])!.kind).toBe("http1");
  await until(() => dials.length === 5, "a dial of each");
  for (const go of dials.slice(1)) await go(await plain());
  const outcomes = await Promise.all(opened);
  const conns = outcomes.map((outcome) => (outcome.kind === "http1" ? outcome.conn : undefined));
  expect(new Set(conns).size).toBe(5);
  expect(conns).not.toContain(undefined);
  // What is known is not asked again: nobody waits for another.
  const later = [pool.open(shared, TARGET), pool.open(shared, TARGET)];
  await Promise.resolve();
  expect(dials).toHaveLength(7);
  for (const go of dials.slice(5)) await go(NO_WAY);
  await Promise.all(later);
  for (const conn of conns) conn!.destroy();
});

test("a proxy that must speak HTTP/2 and does not is told of, and its connection closed", async () => {
  const { pool, way, dials, plain } = await stage();
  const opened = pool.open(way({ prior: false }), TARGET);
  const conn = await plain();
  await dials[0]!(conn);
  expect(await opened).toMatchObject({
    kind: "unreachable",
    failure: { message: expect.stringContaining('no "h2" by ALPN'), about: "backend" },
  });
  expect(conn.closed).toBe(true);
});

test("a connection without a tunnel is closed, one with a tunnel is not", async () => {
  const { pool, way, dials, sockets } = await stage({ idle: 30 });
  const shared = way();
  const opened = pool.open(shared, TARGET);
  await dials[0]!();
  const tunnel = await opened;
  await Bun.sleep(120);
  expect(pool.connections).toBe(1);
  if (tunnel.kind === "open") tunnel.conn.destroy();
  await until(() => sockets[0]!.readableEnded, "the end of the connection");
  sockets[0]!.end();
  await until(() => pool.connections === 0, "the end of the pool");
});

test("another way: what was dialled before it serves nobody after, and its tunnels go on", async () => {
  const { pool, way, dials, sockets } = await stage();
  const [before, after] = [way(), way()];
  const old = pool.open(before, TARGET);
  await dials[0]!();
  const tunnel = await old;
  const fresh = pool.open(after, TARGET);
  await dials[1]!();
  expect((await fresh).kind).toBe("open");
  expect([dials.length, pool.connections, pool.tunnels]).toEqual([2, 2, 2]);
  const notes = new Notes();
  if (tunnel.kind === "open") {
    tunnel.conn.attach(notes);
    sockets[0]!.write(frame(0, 0, 1, Buffer.from("still")));
    await until(() => notes.text === "still", "the old tunnel");
    tunnel.conn.destroy();
  }
  await until(() => sockets[0]!.readableEnded, "the end of the old connection");
  expect(sockets[1]!.readableEnded).toBe(false);
});

test("a way that changes while its connection is being made", async () => {
  const { pool, way, dials } = await stage();
  const old = pool.open(way(), TARGET);
  const next = way();
  const fresh = pool.open(next, TARGET);
  expect(dials).toHaveLength(2);
  await dials[1]!();
  expect((await fresh).kind).toBe("open");
  await dials[0]!();
  // It is too late for the first one, which takes the new one's.
  expect((await old).kind).toBe("open");
  expect(dials).toHaveLength(2);
  await until(() => pool.connections === 1, "the end of the first one");
  expect(pool.tunnels).toBe(2);
});

test("a closed one opens nothing", async () => {
  const { pool, way, dials } = await stage();
  const opened = pool.open(way(), TARGET);
  await dials[0]!();
  const tunnel = await opened;
  pool.close();
  expect(tunnel.kind === "open" && tunnel.conn.closed).toBe(true);
  expect(await pool.open(way(), TARGET)).toMatchObject({ kind: "unreachable" });
});

test("a target that is no host", async () => {
  const { pool, way } = await stage();
  expect(await pool.open(way(), { host: "a b", port: 1 })).toMatchObject({ kind: "refused" });
});

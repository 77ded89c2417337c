/** `--max-concurrent-conns` lets the excess wait and loses no place, however connections end; `--max-conn-lifetime` cuts and counts. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Socket } from "node:net";
import { next } from "../../support/bulk.ts";
import { Scene } from "../../support/scene.ts";
import { until } from "../../support/until.ts";
import { dial, Line, type LineOptions } from "./line.ts";

setDefaultTimeout(120_000);

const MOST = 3;
const LIMIT = ["--max-concurrent-conns", String(MOST)];
/** A handshake record of 512 bytes, of which 11 come. */
const HALF_HELLO = Buffer.from("1603010200010001fc0303", "hex");

const LIMITED: [name: string, side: "client" | "server", options: LineOptions][] = [
  ["server", "server", { server: [...LIMIT, "--connect-timeout", "3s"] }],
  ["server behind a proxy", "server", { server: [...LIMIT, "--connect-timeout", "3s"], proxied: true }],
  ["client", "client", { client: LIMIT }],
];

/** Sends a word and reads it back. */
async function echoes(socket: Socket, word: string): Promise<void> {
  socket.write(word);
  expect(String(await next(socket))).toBe(word);
}

/** `MOST` connections work at once, one more waits, and is served once one of them is over. */
async function expectPlaces(line: Line, most: number): Promise<void> {
  const before = line.far.accepted;
  const held: Socket[] = [];
  for (let i = 0; i < most; i++) {
    const near = await line.near();
    await echoes(near, `place ${i}`);
    held.push(near);
  }
  const waiting = await line.near();
  let answered = false;
  const answer = next(waiting).then((chunk) => ((answered = true), String(chunk)));
  waiting.write("patience");
  for (let round = 0; round < 10; round++) for (const near of held) await echoes(near, `round ${round}`);
  expect([answered, line.far.accepted - before]).toEqual([false, most]);
  held[0]!.end();
  expect(await answer).toBe("patience");
  expect(line.far.accepted - before).toBe(most + 1);
  for (const near of [...held, waiting]) near.end();
  await Promise.all(
    [...held.slice(1), waiting].map((near) => until("its end", () => near.readableEnded || void near.read())),
  );
  await line.settled();
}

describe.each(LIMITED)("%s", (_, side, options) => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test("the next connection waits for a place, and abrupt ends leave none taken", async () => {
    const line = await Line.open(scene, options);
    line.far.serve((socket) => socket.pipe(socket));
    await expectPlaces(line, MOST);

    // Reset in mid-transfer.
    for (let i = 0; i < 2 * MOST; i++) {
      const near = await line.near();
      await echoes(near, "soon gone");
      near.resetAndDestroy();
    }
    // More than there are places for, and all gone while some of them still waited.
    const crowd = await Promise.all(Array.from({ length: 4 * MOST }, () => line.near()));
    for (const [i, near] of crowd.entries()) {
      near.write("x");
      if (i % 2 === 0) near.resetAndDestroy();
      else near.destroy();
    }
    const tunnel = line[side];
    const port = side === "server" ? line.server.port : 0;
    // Handshakes that never complete: ended, reset, or left to the deadline.
    for (const end of port === 0 ? [] : (["destroy", "resetAndDestroy", "pause"] as const)) {
      for (let i = 0; i < MOST; i++) {
        const socket = await dial({ port, host: "127.0.0.1" });
        socket.write(HALF_HELLO);
        socket[end]();
      }
    }
    await line.settled();
    await expectPlaces(line, MOST);
    expect((await tunnel.metrics())["conn.open"]).toBe(0);
  });
});

describe("--max-conn-lifetime", () => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test.each(["server", "client"] as const)("%s: what is idle and what is busy is cut and counted", async (side) => {
    const line = await Line.open(scene, { [side]: ["--max-conn-lifetime", "1s"] });
    const ends = [await line.connect(), await line.connect()];
    const [idle, busy] = ends as [(typeof ends)[0], (typeof ends)[0]];
    const pour = setInterval(() => busy.near.write(Buffer.alloc(1000)), 5);
    busy.far.resume();
    const cut = [idle.near, idle.far, busy.near, busy.far].map(
      (socket) => new Promise((resolve) => socket.on("error", ({ code }: Error & { code?: string }) => resolve(code))),
    );
    for (const code of await Promise.all(cut)) expect(code).toMatch(/^(ECONNRESET|EPIPE)$/);
    clearInterval(pour);
    await line.settled();
    expect(await line[side].metrics()).toMatchObject({ "conn.timeout": 2 });
    expect(await line[side === "server" ? "client" : "server"].metrics()).toMatchObject({ "conn.timeout": 0 });
    await until("both records", () => line[side].sessions().length === 2);
    expect(line[side].sessions().map(({ reason }) => reason)).toEqual(["lifetime", "lifetime"]);
    const { near, far } = await line.connect();
    far.pipe(far);
    await echoes(near, "healthy");
  });
});

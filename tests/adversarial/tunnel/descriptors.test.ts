/** Out of descriptors: the tunnel says so, counts it, goes on with what it has, and is well when there are some again. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Socket } from "node:net";
import { next } from "../../support/bulk.ts";
import { Scene } from "../../support/scene.ts";
import { until } from "../../support/until.ts";
import { openBlackHole } from "../black-hole.ts";
import { dial, Line, type LineOptions } from "./line.ts";

setDefaultTimeout(120_000);

const HEADER = "PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n";
const HALF_HELLO = "1603010200010001fc0303";

const EXHAUSTED: [name: string, options: LineOptions & { descriptors: number }, send: Buffer, many: number][] = [
  ["64 of them, and clients that say nothing", { descriptors: 64 }, Buffer.alloc(0), 80],
  // TLS over bytes that were read ahead holds two more of each connection.
  [
    "256 of them, and TLS over bytes that were read ahead",
    { descriptors: 256, proxied: true },
    Buffer.concat([Buffer.from(HEADER), Buffer.from(HALF_HELLO, "hex")]),
    300,
  ],
];

/** Sends a word and reads it back. */
async function echoes(socket: Socket, word: string): Promise<void> {
  socket.write(word);
  expect(String(await next(socket))).toBe(word);
}

describe.each(EXHAUSTED)("%s", (_, options, send, many) => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test("who is connected goes on, the rest is turned away and counted, and all is well afterwards", async () => {
    const line = await Line.open(scene, options);
    line.far.serve((socket) => socket.pipe(socket));
    const held = [await line.near(), await line.near()];
    for (const near of held) await echoes(near, "before");
    const crowd: Socket[] = [];
    let turnedAway = 0;
    for (let i = 0; i < many; i++) {
      try {
        const socket = await dial({ port: line.server.port, host: "127.0.0.1" });
        socket.on("close", () => turnedAway++).resume();
        socket.write(send);
        crowd.push(socket);
      } catch {
        // Reset before it was told that it is connected.
        turnedAway++;
      }
    }
    const counted = async () => (await line.server.metrics())["accept.error"]!;
    await until("all those turned away", async () => turnedAway > 0 && (await counted()) === turnedAway);
    for (const near of held) await echoes(near, "meanwhile");
    const said = line.server.log().filter(({ level }) => level === "error");
    expect(said.map(({ message }) => message)).toContain("error accepting connection: too many open files");
    // Nobody was let in for whom there is no descriptor any more.
    expect(new Set(line.server.log().flatMap(({ reason }) => reason ?? []))).toEqual(new Set());
    for (const socket of crowd) socket.destroy();
    for (const near of held) near.end();
    await line.settled();
    const near = await line.near();
    await echoes(near, "afterwards");
    near.end();
    await line.settled();
  });
});

describe("64 of them, and a target that never answers", () => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test("attempts that are given up hold no descriptor for long", async () => {
    const hole = await openBlackHole();
    scene.defer(() => hole.close());
    const server = ["--connect-timeout", "1s"];
    const line = await Line.open(scene, { descriptors: 64, targets: [`127.0.0.1:${hole.port}`], server });
    for (let round = 0; round < 5; round++) {
      const nears = await Promise.all(Array.from({ length: 4 }, () => line.near()));
      await Promise.all(nears.map((near) => next(near).catch(() => {})));
    }
    await until("all records", () => line.server.sessions().length === 20);
    expect(new Set(line.server.sessions().map(({ reason }) => reason))).toEqual(new Set(["dial_timeout"]));
    expect(await line.server.metrics()).toMatchObject({ "accept.total": 20, "accept.error": 0 });
  });
});

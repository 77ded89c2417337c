/** Either end is reset in mid-transfer: the other end sees that it was, never an orderly end, and nothing stays open. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Socket } from "node:net";
import { Scene } from "../../support/scene.ts";
import { until } from "../../support/until.ts";
import { Line, type LineOptions } from "./line.ts";

setDefaultTimeout(600_000);

const ROUNDS = process.env["PORTAIL_LONG"] === "1" ? 200 : 4;
const PIECE = Buffer.alloc(64 * 1024, "abort");

const LINES: [name: string, options: LineOptions][] = [
  ["TLS 1.2", { version: "TLS1.2" }],
  ["TLS 1.3", { version: "TLS1.3" }],
  ["TLS over bytes that were read ahead", { proxied: true }],
];

type End = "near" | "far";

/** Who is sending when it happens, and who had ended before. */
const LOADS: { sends: readonly End[]; ended?: End }[] = [
  { sends: [] },
  { sends: ["near"] },
  { sends: ["far"] },
  { sends: ["near", "far"] },
  { sends: ["near"], ended: "far" },
  { sends: ["far"], ended: "near" },
];

/** Writes without end, as fast as it may. */
function pour(socket: Socket): void {
  const more = () => {
    while (!socket.destroyed && socket.write(PIECE));
  };
  socket.on("drain", more);
  more();
}

/** How a socket ends: `end` where its peer seems to end its direction, or the error. */
function ending(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.on("end", () => resolve("end"));
    socket.on("error", (error: Error & { code?: string }) => resolve(error.code ?? error.message));
    socket.on("close", () => resolve("close"));
  });
}

describe.each(LINES)("%s", (_, options) => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test("a reset in mid-transfer is a reset at the other end", async () => {
    const line = await Line.open(scene, options);
    let rounds = 0;
    for (const { sends, ended } of LOADS) {
      for (const who of ["near", "far"] as const) {
        for (let round = 0; round < ROUNDS; round++) {
          const ends = await line.relayed();
          const other = who === "near" ? ends.far : ends.near;
          let bytes = 0;
          for (const socket of Object.values(ends)) socket.on("data", (chunk: Buffer) => (bytes += chunk.length));
          if (ended !== undefined) {
            ends[ended].end();
            const still = ended === "near" ? ends.far : ends.near;
            await new Promise((resolve) => still.once("end", resolve));
          }
          for (const name of sends) pour(ends[name]);
          await until("bytes under way", () => sends.length === 0 || bytes > (1 + round) * PIECE.length);
          const seen = ending(other);
          ends[who].resetAndDestroy();
          expect(`${sends.join()} sends, ${ended} ended, ${who} is reset: ${await seen}`).toMatch(
            /: (ECONNRESET|EPIPE)$/,
          );
          rounds++;
        }
      }
    }
    await line.settled();
    for (const tunnel of [line.client, line.server]) {
      expect(await tunnel.metrics()).toMatchObject({ "accept.total": rounds, "accept.success": rounds });
      // How programs end is nothing that an operator could mend.
      expect(tunnel.log().filter(({ level }) => level !== "info")).toEqual([]);
    }
    const { near, far } = await line.connect();
    far.pipe(far);
    near.write("still there");
    expect(
      String(
        (
          await near
            .once("data", () => {})
            .take(1)
            .toArray()
        )[0],
      ),
    ).toBe("still there");
  });
});

describe("UNIX sockets, which have no reset", () => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test.each(["near", "far"] as const)(
    "when the %s end is gone, so is the other, and nothing stays open",
    async (who) => {
      const line = await Line.open(scene, { unix: true });
      for (const { sends } of LOADS) {
        for (let round = 0; round < ROUNDS; round++) {
          const ends = await line.connect();
          for (const socket of Object.values(ends)) socket.on("data", () => {});
          for (const name of sends) pour(ends[name]);
          const other = who === "near" ? ends.far : ends.near;
          const seen = ending(other);
          ends[who].destroy();
          await seen;
          other.destroy();
        }
      }
      await line.settled();
    },
  );
});

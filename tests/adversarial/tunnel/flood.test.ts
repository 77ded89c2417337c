/** A flood of connections that never become a handshake: real clients are served meanwhile, and each of the others is reaped and counted. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Socket } from "node:net";
import { Scene } from "../../support/scene.ts";
import { until } from "../../support/until.ts";
import { createPrng } from "../prng.ts";
import { dial, Line } from "./line.ts";

setDefaultTimeout(600_000);

/** Connections of each kind: all of them together within the usual limits of open files. */
const FLOOD = process.env["PORTAIL_LONG"] === "1" ? 500 : 60;

/** A handshake record of 512 bytes, of which 11 come. */
const HALF_HELLO = Buffer.from("1603010200010001fc0303", "hex");
const HEADER = Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 1111 2222\r\n");
const NOTHING = Buffer.alloc(0);

/** What each kind sends, then keeps silent; and what becomes of it in the counts. */
const KINDS = {
  directly: {
    silent: { send: NOTHING, late: true },
    "half a hello": { send: HALF_HELLO, late: true },
    garbage: { send: undefined, late: false },
  },
  "through a proxy": {
    silent: { send: NOTHING, late: true },
    "half a header": { send: HEADER.subarray(0, 20), late: true },
    "header alone": { send: HEADER, late: true },
    "half a hello": { send: Buffer.concat([HEADER, HALF_HELLO]), late: true },
    garbage: { send: undefined, late: false },
  },
};

/** Whether an echo came back through the line. */
async function served(line: Line): Promise<boolean> {
  const near = await line.near();
  near.end("still served");
  let back = "";
  for await (const chunk of near) back += String(chunk);
  return back === "still served";
}

describe.each(Object.entries(KINDS))("%s", (way, kinds) => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test("nobody is starved, all are cut and counted", async () => {
    const prng = createPrng();
    const line = await Line.open(scene, {
      proxied: way === "through a proxy",
      server: ["--connect-timeout", "4s"],
    });
    line.far.serve((socket) => socket.pipe(socket));
    const flood: Socket[] = [];
    let [reaped, late] = [0, 0];
    for (const kind of Object.values(kinds)) {
      for (let i = 0; i < FLOOD; i++) {
        const socket = await dial({ port: line.server.port, host: "127.0.0.1" });
        flood.push(socket);
        socket.on("close", () => reaped++).on("end", () => socket.destroy());
        socket.resume();
        // The first two bytes are those of no record of TLS, which could be waited for, and of no PROXY header.
        socket.write(kind.send ?? Buffer.concat([Buffer.of(prng.below(256), 0x7f), prng.bytes(200)]));
        if (kind.late) late++;
      }
    }
    let good = 0;
    while (reaped < flood.length) {
      expect(await served(line)).toBe(true);
      good++;
    }
    expect(good).toBeGreaterThan(1);
    await line.settled();
    const counts = await line.server.metrics();
    expect({ ...counts, seed: prng.seed }).toMatchObject({
      "accept.total": flood.length + good,
      "accept.success": good,
      "accept.timeout": late,
      "accept.error": flood.length - late,
      "conn.open": 0,
      seed: prng.seed,
    });
    await until("all records", () => line.server.sessions().length === flood.length + good);
    const denied = line.server.sessions().filter(({ decision }) => decision === "deny");
    expect(denied.filter(({ reason }) => reason.endsWith("_timeout"))).toHaveLength(late);
    expect(line.far.accepted).toBe(good);
  });
});

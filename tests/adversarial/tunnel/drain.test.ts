/** The end of a tunnel under load: what runs finishes, nothing new is taken, and the exit status says whether anything was cut. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import type { Socket } from "node:net";
import { digestOf, next, receive, send } from "../../support/bulk.ts";
import { Scene } from "../../support/scene.ts";
import { until } from "../../support/until.ts";
import { openBlackHole } from "../black-hole.ts";
import { dial, Line, type LineOptions } from "./line.ts";

setDefaultTimeout(120_000);

const SIZE = (process.env["PORTAIL_LONG"] === "1" ? 256 : 2) * 1024 * 1024;
const TRANSFERS = 6;

/** Transfers both ways, each half done and held until `release`; then all must be whole. */
async function transfers(line: Line) {
  const gate = Promise.withResolvers<void>();
  const whole: Promise<unknown>[] = [];
  for (let i = 0; i < TRANSFERS; i++) {
    const { near, far } = await line.connect();
    let half = 0;
    for (const socket of [near, far]) socket.on("data", (chunk: Buffer) => (half += chunk.length));
    const digests = [far, near].map((socket) => receive(() => next(socket)));
    void send(near, SIZE, 2 * i, gate.promise);
    void send(far, SIZE, 2 * i + 1, gate.promise);
    whole.push(
      Promise.all(digests).then((got) => expect(got).toEqual([digestOf(SIZE, 2 * i), digestOf(SIZE, 2 * i + 1)])),
    );
    await until("the transfer under way", () => half > SIZE / 4);
  }
  return {
    async release() {
      gate.resolve();
      await Promise.all(whole);
    },
  };
}

/** Nobody takes a connection there any more. */
async function expectClosed(line: Line, side: "client" | "server"): Promise<void> {
  const { port, listen } = line[side];
  const where = port > 0 ? { port, host: "127.0.0.1" } : { path: listen[0]!.slice("unix:".length) };
  await until("the end of the listener", () =>
    dial(where).then(
      (socket) => void socket.destroy(),
      () => true,
    ),
  );
  if ("path" in where) expect(existsSync(where.path)).toBe(false);
}

const draining = (line: Line, side: "client" | "server") =>
  until("the drain", () => line[side].log().some(({ message }) => message.endsWith(": draining")));

/** Resolves once the socket is closed, with the error that came. */
function broken(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let code: string | undefined;
    socket.on("error", (error: Error & { code?: string }) => (code = error.code));
    socket
      .on("end", () => (code ??= "end"))
      .on("close", () => resolve(code))
      .resume();
  });
}

const LINES: [name: string, side: "client" | "server", options: LineOptions][] = [
  ["server, TLS 1.2", "server", { version: "TLS1.2" }],
  ["server, TLS 1.3", "server", {}],
  ["server, UNIX sockets", "server", { unix: true }],
  ["server behind a proxy", "server", { proxied: true }],
  ["client, TLS 1.3", "client", {}],
  ["client, UNIX sockets", "client", { unix: true }],
];

describe.each(LINES)("%s", (_, side, options) => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test("running transfers finish, no connection is taken, status 0", async () => {
    const line = await Line.open(scene, options);
    const { release } = await transfers(line);
    const tunnel = line[side];
    tunnel.program.signal("SIGTERM");
    await draining(line, side);
    await expectClosed(line, side);
    // A reload now does no harm.
    tunnel.program.signal("SIGHUP");
    await until("the reload refused", () =>
      tunnel.log().some(({ message }) => message === "a reload is ignored while draining"),
    );
    expect(tunnel.program.running).toBe(true);
    await release();
    expect(await tunnel.program.ended).toBe(0);
    expect(tunnel.audit.of("stop")).toMatchObject([{ open: 0 }]);
    expect(tunnel.sessions().map(({ sent, received }) => [sent, received])).toEqual(
      Array.from({ length: TRANSFERS }, () => [SIZE, SIZE]),
    );
  });
});

describe("told by POST /_shutdown", () => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test.each(["client", "server"] as const)("%s: as by SIGTERM, and by no other method", async (side) => {
    const line = await Line.open(scene, { [side]: ["--enable-shutdown"] });
    const { release } = await transfers(line);
    const url = `http://${await line[side].status()}/_shutdown`;
    for (const method of ["GET", "PUT", "DELETE"]) {
      const { status, headers } = await fetch(url, { method });
      expect([status, headers.get("allow")]).toEqual([405, "POST"]);
    }
    expect(line[side].log().some(({ message }) => message.includes("draining"))).toBe(false);
    expect((await fetch(url, { method: "POST" })).status).toBe(200);
    await draining(line, side);
    await expectClosed(line, side);
    await release();
    expect(await line[side].program.ended).toBe(0);
  });
});

describe.each(["client", "server"] as const)("%s", (side) => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test("what is open after --shutdown-timeout is cut: status 1, and resets at both ends", async () => {
    const line = await Line.open(scene, { [side]: ["--shutdown-timeout", "1s"] });
    const { near, far } = await line.relayed();
    const ends = [broken(near), broken(far)];
    line[side].program.signal("SIGTERM");
    expect(await line[side].program.ended).toBe(1);
    expect(await Promise.all(ends)).toEqual(["ECONNRESET", "ECONNRESET"]);
    expect(line[side].sessions()).toMatchObject([{ decision: "allow", reason: "cut" }]);
    expect(line[side].log().map(({ message }) => message)).toContain("the shutdown timeout is over");
  });

  test("a second SIGTERM cuts at once", async () => {
    const line = await Line.open(scene);
    const { near, far } = await line.relayed();
    const ends = [broken(near), broken(far)];
    line[side].program.signal("SIGTERM");
    await draining(line, side);
    line[side].program.signal("SIGTERM");
    expect(await line[side].program.ended).toBe(1);
    expect(await Promise.all(ends)).toEqual(["ECONNRESET", "ECONNRESET"]);
    expect(line[side].log().map(({ message }) => message)).toContain("told to stop again");
  });
});

describe("what has not come to a relay", () => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test("is not waited for: a handshake that stands still, and who waits for a place", async () => {
    const line = await Line.open(scene, { server: ["--max-concurrent-conns", "2"] });
    const { near, far } = await line.relayed();
    const silent = await dial({ port: line.server.port, host: "127.0.0.1" });
    await until("the handshake", async () => (await line.server.metrics())["accept.total"] === 2);
    const waiting = await line.near();
    await until("the one who waits", async () => (await line.server.metrics())["accept.total"] === 3);
    const gone = [broken(silent), broken(waiting)];
    line.server.program.signal("SIGTERM");
    expect(await Promise.all(gone)).toEqual(["ECONNRESET", "ECONNRESET"]);
    near.end("the last word");
    const last = await next(far);
    far.end();
    expect(String(last)).toBe("the last word");
    expect(await line.server.program.ended).toBe(0);
  });

  test("nor is a target that does not answer", async () => {
    const hole = await openBlackHole();
    scene.defer(() => hole.close());
    const line = await Line.open(scene, { targets: [`127.0.0.1:${hole.port}`], server: ["--connect-timeout", "10m"] });
    const gone = broken(await line.near());
    await until("the dial", async () => (await line.server.metrics())["accept.success"] === 1);
    line.server.program.signal("SIGTERM");
    expect(await line.server.program.ended).toBe(0);
    expect(await gone).toBe("ECONNRESET");
    expect(line.server.sessions()).toMatchObject([{ decision: "deny", reason: "cut" }]);
  });

  test("and one that is idle ends at once", async () => {
    const line = await Line.open(scene);
    expect(await Promise.all([line.client.stop(), line.server.stop()])).toEqual([0, 0]);
  });
});

/** The life of a multiplexer that passes TLS on: reloads under load, listeners that come and go, its end, what it counts, and both families. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { digestOf, next, receive, send } from "../../support/bulk.ts";
import { FarEnd } from "../../support/far-end.ts";
import { freePort } from "../../support/free-port.ts";
import { authority, save } from "../../support/pki.ts";
import type { RunningMux } from "../../support/mux-scene.ts";
import { FORMS, Portail } from "../../support/portail.ts";
import { Scene } from "../../support/scene.ts";
import { until } from "../../support/until.ts";
import { RawClient } from "../raw-client.ts";
import { finish, HELLO, Line, openCarrying, passing, talk } from "./carried.ts";

setDefaultTimeout(180_000);

const scene = new Scene();
afterAll(() => scene.close());

/** Sends back what comes. */
async function echo(name?: string): Promise<FarEnd & { count: number }> {
  const far = Object.assign(await FarEnd.open(scene), { count: 0 });
  far.serve((socket) => {
    far.count++;
    if (name !== undefined) socket.write(name);
    socket.pipe(socket);
  });
  return far;
}

const refused = (port: number) =>
  RawClient.open(port).then(
    (client) => (client.reset(), false),
    () => true,
  );

describe("a reload", () => {
  test("leads the next client elsewhere, to a session and back, and leaves who is open", async () => {
    const [one, two] = [await echo("1"), await echo("2")];
    const mux = await openCarrying(scene, one.text);
    const own = save(scene, "own", authority().issue({ san: ["DNS:a.example"] }));
    const identities = { own: { cert: own.cert, key: own.key } };
    const ended = { name: "a", "server-name": "a.example", terminate: true, identity: "own", target: two.text };
    const greeting = async () => {
      const client = await RawClient.open(mux.port);
      client.write(HELLO);
      return { client, said: String(await client.read(1)) };
    };
    const first = await greeting();
    expect(first.said).toBe("1");
    expect(await mux.reload(passing(two.text))).toMatchObject({ outcome: "done" });
    const second = await greeting();
    expect(second.said).toBe("2");
    expect(await mux.reload({ identities, routes: [ended] })).toMatchObject({ outcome: "done" });
    const third = await greeting();
    // TLS is spoken here: an alert, since the hello offers next to nothing.
    expect(third.said).toBe("\x15");
    expect(await mux.reload(passing(one.text))).toMatchObject({ outcome: "done" });
    const fourth = await greeting();
    expect(fourth.said).toBe("1");
    expect(await mux.reload({ routes: [{ target: "nowhere" }] })).toMatchObject({ outcome: "kept" });
    const fifth = await greeting();
    expect(fifth.said).toBe("1");
    for (const { client } of [first, second, fourth, fifth]) {
      expect(await client.read(HELLO.length)).toEqual(HELLO);
      client.write("still here");
      expect(String(await client.read(10))).toBe("still here");
      client.end();
      await client.closed;
    }
    third.client.end();
    await third.client.closed;
    const allowed = () => mux.audit.of("session").filter(({ decision }) => decision === "allow");
    await until("all records", () => allowed().length === 4);
    expect(allowed().map(({ target }) => target)).toEqual([one.text, two.text, one.text, one.text]);
    expect(await mux.stop()).toBe(0);
  });

  test("50 times under load loses no byte and no client", async () => {
    const size = 300_001;
    const [one, two] = [await echo(), await echo()];
    const mux = await openCarrying(scene, one.text);
    const state = { over: false, done: 0 };
    const load = async (salt: number) => {
      while (!state.over) {
        const client = connect({ port: mux.port, host: "127.0.0.1", allowHalfOpen: true });
        client.write(HELLO);
        const sending = send(client, size, salt);
        let head = Buffer.alloc(0);
        while (head.length < HELLO.length) head = Buffer.concat([head, await next(client)]);
        expect(head.subarray(0, HELLO.length)).toEqual(HELLO);
        client.unshift(head.subarray(HELLO.length));
        expect(await receive(() => next(client))).toBe(digestOf(size, salt));
        await sending;
        state.done++;
      }
    };
    const loading = Promise.all([1, 2, 3].map(load));
    const held = await Promise.all([1, 2].map(() => heldOpen(mux)));
    for (let i = 1; i <= 50; i++) {
      const { text } = i % 2 === 0 ? one : two;
      // Every third leaves its clients to sessions.
      const { routes } = passing(text);
      const more = i % 3 === 0 ? [{ "server-name": "b.example", target: "localhost:9" }] : [];
      expect(await mux.reload({ routes: [...routes, ...more] })).toMatchObject({ outcome: "done" });
    }
    const before = state.done;
    await until("a few more", () => state.done > before + 3, 60_000);
    state.over = true;
    await loading;
    for (const client of held) {
      client.write("still here");
      expect(String(await client.read(10))).toBe("still here");
      client.end();
      await client.closed;
    }
    expect([one.count > 0, two.count > 0]).toEqual([true, true]);
    await until("all records", () => mux.audit.of("session").length === state.done + 2);
    const sessions = mux.audit.of("session").filter(({ sent }) => sent > 1000);
    const whole = { decision: "allow", sent: HELLO.length + size, received: HELLO.length + size } as const;
    for (const session of sessions) expect(session).toMatchObject(whole);
    expect(await mux.stop()).toBe(0);
  });

  test("opens and closes listeners, and leaves what was accepted there", async () => {
    const far = await echo();
    const more = freePort();
    const mux = await openCarrying(scene, far.text);
    const { routes } = passing(far.text);
    const there = { name: "b", "server-name": "a.example", listen: [`127.0.0.1:${more}`], target: far.text };
    for (let i = 0; i < 3; i++) {
      expect(await refused(more)).toBe(true);
      expect(await mux.reload({ routes: [...routes, there] })).toMatchObject({ outcome: "done" });
      const client = await RawClient.open(more);
      client.write(HELLO);
      expect(await client.read(HELLO.length)).toEqual(HELLO);
      expect(await mux.reload({ routes })).toMatchObject({ outcome: "done" });
      expect(await refused(more)).toBe(true);
      client.write("still here");
      expect(String(await client.read(10))).toBe("still here");
      client.end();
      await client.closed;
    }
    expect(await mux.stop()).toBe(0);
  });
});

async function heldOpen(mux: RunningMux): Promise<RawClient> {
  const client = await RawClient.open(mux.port);
  client.write(HELLO);
  expect(await client.read(HELLO.length)).toEqual(HELLO);
  return client;
}

describe("SIGTERM", () => {
  test("turns new clients away, lets open ones end, and half a hello go", async () => {
    const line = await Line.open(scene);
    const open = [await line.through(), await line.through()];
    const half = await line.client();
    await new Promise((written) => half.socket.write(HELLO.subarray(0, 9), written));
    const ended = line.mux.stop();
    await until("the end of its listener", () => refused(line.mux.port));
    await half.closed;
    for (const one of open) await talk(one, "still here");
    expect(line.mux.program.running).toBe(true);
    for (const one of open) await finish(one);
    expect(await ended).toBe(0);
    expect(line.mux.program.stderr).not.toContain("too many open files");
    expect(line.mux.audit.of("session").filter(({ decision }) => decision === "allow")).toHaveLength(2);
  });

  test("a second time cuts what is open, with resets and a record", async () => {
    const line = await Line.open(scene);
    const { client, target } = await line.through();
    const ended = line.mux.stop();
    await line.mux.audit.record("drain");
    line.mux.program.signal("SIGTERM");
    expect(await ended).toBe(1);
    await Promise.all([client.closed, target.closed]);
    expect([client.failure, target.failure]).toEqual(["ECONNRESET", "ECONNRESET"]);
    expect(line.mux.audit.of("session")).toMatchObject([{ decision: "allow", reason: "cut", sent: HELLO.length }]);
    expect(await refused(line.mux.port)).toBe(true);
  });

  test("where a listener cannot be opened, the others do not keep it from ending", async () => {
    const far = await echo();
    const taken = createServer();
    await new Promise<void>((listening) => taken.listen(0, "127.0.0.1", listening));
    scene.defer(() => void taken.close());
    const { port } = taken.address() as AddressInfo;
    const [route] = passing(far.text).routes;
    const lines = Object.entries(route!).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
    const config = scene.write("taken.toml", ["[[route]]", ...lines].join("\n"));
    const listen = ["--listen", "127.0.0.1:0", "--listen", `127.0.0.1:${port}`];
    const portail = new Portail(FORMS[0]!, scene);
    const { status, stderr } = await portail.run(["mux", "serve", ...listen, "--config", config]);
    expect([status, stderr.includes("[listen.eaddrinuse]")]).toEqual([71, true]);
  });
});

test("2,000 connections are the same in metrics and audit, to the byte", async () => {
  const far = await echo();
  const mux = await openCarrying(scene, far.text, ["--status", "http://127.0.0.1:0"]);
  const [, status] = await mux.program.output("stderr", /status on (\S+)/);
  const once = async (i: number) => {
    const client = await RawClient.open(mux.port);
    client.write(Buffer.concat([HELLO, Buffer.alloc(i % 3000, 7)]));
    client.end();
    expect((await client.rest()).length).toBe(HELLO.length + (i % 3000));
    await client.closed;
  };
  for (let i = 0; i < 2000; i += 50) await Promise.all(Array.from({ length: 50 }, (_, j) => once(i + j)));
  const sessions = () => mux.audit.of("session");
  await until("all records", () => sessions().length === 2000);
  const sum = (key: "sent" | "received") => sessions().reduce((total, one) => total + one[key], 0);
  const bytes = Array.from({ length: 2000 }, (_, i) => HELLO.length + (i % 3000)).reduce((a, b) => a + b);
  expect([sum("sent"), sum("received")]).toEqual([bytes, bytes]);
  expect(new Set(sessions().map(({ session }) => session)).size).toBe(2000);
  const page = await (await fetch(`http://${status}/metrics`)).text();
  const metric = (name: string) => Number(new RegExp(`^portail_${name} (\\d+)$`, "m").exec(page)?.[1]);
  expect(metric("connections_total")).toBe(2000);
  expect(metric('route_connections_total\\{route="a"\\}')).toBe(2000);
  expect(metric('connections_open\\{route="a"\\}')).toBe(0);
  expect(metric("relayed_bytes_total\\{(?=[^}]*client)[^}]*\\}")).toBe(bytes);
  expect(metric("relayed_bytes_total\\{(?=[^}]*target)[^}]*\\}")).toBe(bytes);
  expect(await mux.stop()).toBe(0);
});

describe("addresses", () => {
  const serve = async (host: string) => {
    const server = createServer(
      { allowHalfOpen: true },
      (socket: Socket) => void socket.on("error", () => {}).pipe(socket),
    );
    await new Promise<void>((listening) => server.listen(0, host, listening));
    scene.defer(() => void server.close());
    return (server.address() as AddressInfo).port;
  };

  test.each([
    ["::1", "[::1]:0", "::1", /^\[::1\]:\d+$/],
    ["127.0.0.1", ":0", "127.0.0.1", /^127\.0\.0\.1:\d+$/],
    ["::1", ":0", "127.0.0.1", /^127\.0\.0\.1:\d+$/],
  ])("a target at %s, a listener at %s, and a client from %s", async (targetHost, listen, from, recorded) => {
    const port = await serve(targetHost);
    const target = targetHost.includes(":") ? `[${targetHost}]:${port}` : `${targetHost}:${port}`;
    const mux = await openCarrying(scene, target, ["--listen", listen]);
    const own = Number(/:(\d+)$/.exec(mux.listen.at(-1)!)![1]);
    const client = await RawClient.open(own, from);
    client.write(HELLO);
    expect(await client.read(HELLO.length)).toEqual(HELLO);
    client.end();
    await client.closed;
    const record = await mux.session();
    expect(record).toMatchObject({ target, dest: target, sent: HELLO.length, received: HELLO.length });
    expect(record.client).toMatch(recorded);
    expect(await mux.stop()).toBe(0);
  });
});

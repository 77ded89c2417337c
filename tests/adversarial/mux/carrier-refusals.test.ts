/** Clients whom a multiplexer that passes TLS on cannot lead anywhere: each is told what it would be told anywhere else, recorded, and forgotten. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { SessionEvent } from "../../../lib/audit/event.ts";
import { freePort } from "../../support/free-port.ts";
import { helloRecord, inRecords, protocolIds, serverName, vector3, helloOfSize } from "../../support/make-hello.ts";
import type { RunningMux } from "../../support/mux-scene.ts";
import { Scene } from "../../support/scene.ts";
import { until } from "../../support/until.ts";
import { openBlackHole } from "../black-hole.ts";
import { RawClient } from "../raw-client.ts";
import { alert, finish, HELLO, Line, openCarrying, STRANGE_HELLO, talk } from "./carried.ts";

setDefaultTimeout(60_000);

/** Connections for which 96 descriptors are enough, 64 of which are kept for all else. */
const ROOM = 16;
const INTERNAL_ERROR = 80;
const UNRECOGNIZED_NAME = 112;
const scene = new Scene();
afterAll(() => scene.close());

/** All that a client is told, and the record of it. */
async function answerTo(mux: RunningMux, first: Uint8Array): Promise<{ answer: Buffer; record: SessionEvent }> {
  const client = await RawClient.open(mux.port);
  const from = `127.0.0.1:${client.socket.localPort}`;
  if (first.length > 0) client.write(first);
  const answer = await client.rest();
  client.end();
  return { answer, record: await mux.session((one) => one.client === from) };
}

describe("a multiplexer whose target answers", () => {
  let line: Line;
  beforeAll(async () => {
    line = await Line.open(scene, ["--hello-timeout", "300ms", "--hello-limit", "1024"]);
  });

  /** Others are served all the same. */
  const serves = async () => {
    const through = await line.through();
    await talk(through, "served");
    await finish(through);
  };

  test("alerts a client for a name that no route takes", async () => {
    const { answer, record } = await answerTo(line.mux, STRANGE_HELLO);
    expect(answer).toEqual(alert(UNRECOGNIZED_NAME));
    expect(record).toMatchObject({
      decision: "deny",
      reason: "unknown_server_name",
      hello: { serverName: "z.example" },
      sent: 0,
    });
    await serves();
  });

  test.each([
    ["says nothing", Buffer.alloc(0), "first_bytes_timeout"],
    ["says half a hello", HELLO.subarray(0, 30), "hello_timeout"],
  ])("lets a client go that %s", async (_, first, reason) => {
    const { record } = await answerTo(line.mux, first);
    expect(record).toMatchObject({ decision: "deny", reason });
    await serves();
  });

  test.each([
    ["speaks no TLS", Buffer.from("GET / HTTP/1.1\r\n\r\n"), "unknown_protocol"],
    ["sends zeros", Buffer.alloc(100_000), undefined],
    ["sends a hello longer than it may", Buffer.from(inRecords(vector3(helloOfSize(1025)))), "hello_too_long"],
    ["sends a hello that breaks off", Buffer.from(helloRecord({ behind: Uint8Array.of(1) })), "hello_malformed"],
  ])("turns a client away that %s", async (_, first, reason) => {
    const { record } = await answerTo(line.mux, first);
    expect(record).toMatchObject({ decision: "deny", ...(reason === undefined ? {} : { reason }) });
    await serves();
  });

  test("takes a hello that is as long as it may be", async () => {
    const hello = inRecords(vector3(helloOfSize(1024)));
    const client = await line.client();
    client.write(hello);
    const target = RawClient.of(await line.far.next());
    expect(await target.read(hello.length)).toEqual(Buffer.from(hello));
    await finish({ client, target });
  });

  test("lets clients go that reset at once, after half a hello, and after all of it", async () => {
    const line = await Line.open(scene, ["--hello-timeout", "300ms"]);
    line.far.serve((socket) => socket.pipe(socket));
    for (let i = 0; i < 60; i++) {
      const client = await line.client();
      const first = [Buffer.alloc(0), HELLO.subarray(0, 40), HELLO][i % 3]!;
      if (first.length > 0) await new Promise((written) => client.socket.write(first, written));
      client.reset();
    }
    const client = await line.client();
    client.write(HELLO);
    expect(await client.read(HELLO.length)).toEqual(HELLO);
    client.end();
    await client.closed;
    expect(await line.mux.stop()).toBe(0);
    expect(line.mux.program.stderr).not.toContain("internal error");
  });

  test("and nothing is left of any of them", async () => {
    expect(await line.mux.stop()).toBe(0);
    expect(line.mux.program.stderr).not.toContain("internal error");
  });
});

describe("a target that", () => {
  test("refuses is an alert for the client, and recorded as such", async () => {
    const mux = await openCarrying(scene, `127.0.0.1:${freePort()}`);
    const { answer, record } = await answerTo(mux, HELLO);
    expect(answer).toEqual(alert(INTERNAL_ERROR));
    expect(record).toMatchObject({
      decision: "deny",
      reason: "dial_refused",
      route: "a",
      hello: { serverName: "a.example", protocolIds: ["h2", "http/1.1"] },
    });
    expect(await mux.stop()).toBe(0);
  });

  test("does not answer is given up when it is time, and its clients may leave before", async () => {
    const hole = await openBlackHole();
    scene.defer(() => hole.close());
    const mux = await openCarrying(scene, `127.0.0.1:${hole.port}`, ["--connect-timeout", "2s"]);
    const gone = await RawClient.open(mux.port);
    const from = `127.0.0.1:${gone.socket.localPort}`;
    await new Promise((written) => gone.socket.write(HELLO, written));
    gone.reset();
    const { answer, record } = await answerTo(mux, HELLO);
    expect(answer).toEqual(alert(INTERNAL_ERROR));
    expect(record).toMatchObject({ decision: "deny", reason: "dial_timeout", route: "a" });
    // Who is gone before anybody else sees to it leaves none.
    const records = mux.audit.of("session").filter(({ client }) => client === from);
    expect(records.every(({ decision }) => decision === "deny")).toBe(true);
    expect(await mux.stop()).toBe(0);
  });

  test("goes away while it is dialled is an alert, too", async () => {
    const hole = await openBlackHole();
    const mux = await openCarrying(scene, `127.0.0.1:${hole.port}`);
    const client = await RawClient.open(mux.port);
    client.write(HELLO);
    client.write("more");
    hole.close();
    expect(await client.rest()).toEqual(alert(INTERNAL_ERROR));
    client.end();
    expect(await mux.stop()).toBe(0);
  });
});

test("with protocol ids, who offers none of them is alerted", async () => {
  const NO_APPLICATION_PROTOCOL = 120;
  const line = await Line.open(scene);
  const route = { name: "a", "server-name": "a.example", alpn: ["h2"], target: line.far.text };
  await line.mux.reload({ routes: [route] });
  const other = helloRecord({ extensions: [serverName("a.example"), protocolIds("ftp")] });
  const { answer, record } = await answerTo(line.mux, other);
  expect(answer).toEqual(alert(NO_APPLICATION_PROTOCOL));
  expect(record).toMatchObject({ decision: "deny", reason: "no_application_protocol" });
  const through = await line.through();
  await finish(through);
  expect(await line.mux.stop()).toBe(0);
});

describe("a limit", () => {
  test("of connections at a time lets the next one wait until one has ended", async () => {
    const line = await Line.open(scene, ["--max-concurrent-conns", "3"]);
    const open = [await line.through(), await line.through(), await line.through()];
    const waiting = await line.client();
    waiting.write(HELLO);
    for (const one of open) await talk(one, "still here");
    expect(line.far.accepted).toBe(3);
    await finish(open.pop()!);
    const target = RawClient.of(await line.far.next());
    expect(await target.read(HELLO.length)).toEqual(HELLO);
    await talk({ client: waiting, target }, "my turn");
    for (const one of [...open, { client: waiting, target }]) await finish(one);
    expect(await line.mux.stop()).toBe(0);
  });

  test.each([
    ["--idle-timeout", "idle"],
    ["--max-conn-lifetime", "lifetime"],
  ])("%s cuts with resets, and says so", async (flag, reason) => {
    const line = await Line.open(scene, [flag, "400ms"]);
    const { client, target } = await line.through();
    const from = `127.0.0.1:${client.socket.localPort}`;
    await Promise.all([client.closed, target.closed]);
    expect([client.failure, target.failure]).toEqual(["ECONNRESET", "ECONNRESET"]);
    const record = await line.mux.session((one) => one.client === from);
    expect(record).toMatchObject({ decision: "allow", reason, sent: HELLO.length });
    expect(await line.mux.stop()).toBe(0);
  });

  test("--idle-timeout leaves who goes on talking", async () => {
    const line = await Line.open(scene, ["--idle-timeout", "2s"]);
    const still = await line.through();
    const through = await line.through();
    const state = { still: true };
    void still.client.closed.then(() => (state.still = false));
    for (let i = 0; state.still; i++) {
      await talk(through, `word ${i}`);
      await Bun.sleep(5);
    }
    await talk(through, "still here");
    await finish(through);
    expect(await line.mux.stop()).toBe(0);
  });

  test.each(["client", "target"] as const)("--close-timeout cuts what is left when the %s has ended", async (first) => {
    const line = await Line.open(scene, ["--close-timeout", "400ms"]);
    const open = await line.through();
    const through = await line.through();
    const from = `127.0.0.1:${through.client.socket.localPort}`;
    const other = first === "client" ? through.target : through.client;
    through[first].end();
    await other.rest();
    expect(await line.mux.session((one) => one.client === from)).toMatchObject({ reason: "half_closed" });
    other.write("is there anybody");
    await other.closed;
    expect(other.failure).toBeString();
    await talk(open, "not me");
    await finish(open);
    expect(await line.mux.stop()).toBe(0);
  });
});

describe("out of descriptors", () => {
  test("who is connected goes on, the others wait, and all are served in the end", async () => {
    const line = await Line.open(scene, [], ["sh", "-c", 'ulimit -n 96; exec "$@"', "sh"]);
    const crowd: RawClient[] = [];
    for (let i = 0; i < 60; i++) {
      const client = await line.client();
      client.write(HELLO);
      crowd.push(client);
    }
    // As many as there are descriptors for; they wait for their answer.
    await until("some of them", () => line.far.accepted === ROOM);
    let looks = 0;
    await until("a while", () => ++looks === 20);
    expect(line.far.accepted).toBe(ROOM);
    const answer = async () => {
      const target = RawClient.of(await line.far.next());
      target.write("served");
      target.end();
      await target.closed;
    };
    const answering = Array.from(crowd, answer);
    for (const client of crowd) {
      expect(String(await client.read(6))).toBe("served");
      client.end();
    }
    await Promise.all([...answering, ...crowd.map(({ closed }) => closed)]);
    await until("all records", () => line.mux.audit.of("session").length === crowd.length);
    expect(line.mux.audit.of("session").filter(({ decision }) => decision !== "allow")).toEqual([]);
    expect(await line.mux.stop()).toBe(0);
  });

  test("it goes on as soon as there are some again", async () => {
    const line = await Line.open(scene);
    const limit = (soft: number) => {
      const { exitCode } = Bun.spawnSync(["prlimit", "--pid", String(line.mux.program.pid), `--nofile=${soft}:`]);
      expect(exitCode).toBe(0);
    };
    const open = await line.through();
    limit(4);
    const client = await line.client();
    client.write(HELLO);
    for (let i = 0; i < 20; i++) await talk(open, `meanwhile ${i}`);
    let looks = 0;
    await until("a while", () => ++looks === 40);
    expect(line.far.accepted).toBe(1);
    limit(1024);
    const target = RawClient.of(await line.far.next());
    expect(await target.read(HELLO.length)).toEqual(HELLO);
    await talk({ client, target }, "at last");
    await finish({ client, target });
    await finish(open);
    expect(await line.mux.stop()).toBe(0);
  });
});

/** Connections to Redis with the test as the server: what is said, and how every wait ends. */
import { describe, expect, test } from "bun:test";
import { RedisError, RedisPool, type RedisTimes } from "../../../../lib/net/redis.ts";
import { until } from "../../../support/until.ts";
import { FakeConn } from "./fake-conn.ts";

const PING = "*1\r\n$4\r\nPING\r\n";
const GET = "*2\r\n$3\r\nGET\r\n$1\r\na\r\n";
const LONG = { wait: 60_000, create: 60_000, recycle: 60_000 };

class Stage {
  readonly conns: FakeConn[] = [];
  readonly pool: RedisPool;
  /** What `open` rejects with. */
  failure: RedisError | undefined;

  constructor({
    times = {},
    most = 1,
    greeting = [] as string[][],
  }: { times?: Partial<RedisTimes>; most?: number; greeting?: string[][] } = {}) {
    const open = async () => {
      if (this.failure !== undefined) throw this.failure;
      const conn = new FakeConn();
      this.conns.push(conn);
      return conn;
    };
    this.pool = new RedisPool({ open, greeting, times: { ...LONG, ...times }, most });
  }

  /** The next thing that is said on connection `index`, which is then answered. */
  async answer(index: number, said: string, reply: string): Promise<void> {
    await this.hears(index, said);
    this.conns[index]!.data(reply);
  }

  async hears(index: number, said: string): Promise<void> {
    while (!this.conns[index]?.written.length) await new Promise((resolve) => setImmediate(resolve));
    expect(this.conns[index].written.shift()!).toBe(said);
  }

  ask(): Promise<string> {
    return this.pool.ask(["GET", "a"]).then(
      (reply) => (reply.type === "status" ? reply.text : reply.type),
      (error: unknown) => (error instanceof RedisError ? error.kind : String(error)),
    );
  }
}

test("a new connection is greeted and asked whether it answers, a kept one is asked again", async () => {
  const stage = new Stage({
    greeting: [
      ["AUTH", "b"],
      ["SELECT", "2"],
    ],
  });
  const first = stage.ask();
  await stage.answer(0, "*2\r\n$4\r\nAUTH\r\n$1\r\nb\r\n", "+OK\r\n");
  await stage.answer(0, "*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n", "+OK\r\n");
  await stage.answer(0, PING, "+PONG\r\n");
  await stage.answer(0, GET, "+one\r\n");
  expect(await first).toBe("one");
  const second = stage.ask();
  await stage.answer(0, PING, "+PO");
  stage.conns[0]!.data("NG\r\n");
  await stage.answer(0, GET, "$-1\r\n");
  expect(await second).toBe("nil");
  expect(stage.conns.length).toBe(1);
});

describe("a command is told", () => {
  async function told(stage: Stage, then: (conn: FakeConn) => void): Promise<string> {
    const asked = stage.ask();
    await stage.answer(0, PING, "+PONG\r\n");
    await stage.hears(0, GET);
    then(stage.conns[0]!);
    const answer = await asked;
    expect(stage.conns[0]!.closed).toBe(true);
    return answer;
  }

  test("of an error reply", async () =>
    expect(await told(new Stage(), (conn) => conn.data("-OOM\r\n"))).toBe("refused"));
  test("of garbage", async () => expect(await told(new Stage(), (conn) => conn.data("HTTP/1.1"))).toBe("protocol"));
  test("of two replies for one", async () =>
    expect(await told(new Stage(), (conn) => conn.data("+OK\r\n+OK\r\n"))).toBe("protocol"));
  test("of the end", async () => expect(await told(new Stage(), (conn) => conn.events!.end())).toBe("closed"));
  test("of a reset", async () => expect(await told(new Stage(), (conn) => conn.close(new Error("x")))).toBe("closed"));
  test("of silence", async () => expect(await told(new Stage({ times: { recycle: 20 } }), () => {})).toBe("timeout"));
});

test("a reply that nobody asked for ends the connection", async () => {
  const stage = new Stage();
  const asked = stage.ask();
  await stage.answer(0, PING, "+PONG\r\n");
  await stage.answer(0, GET, "+one\r\n");
  await asked;
  stage.conns[0]!.data("+two\r\n");
  expect(stage.conns[0]!.closed).toBe(true);
});

test("what is gone is not asked, and what does not answer takes the others that are kept along", async () => {
  const stage = new Stage({ most: 2, times: { recycle: 300 } });
  const both = [stage.ask(), stage.ask()];
  for (const index of [0, 1]) {
    await stage.answer(index, PING, "+PONG\r\n");
    await stage.answer(index, GET, "+one\r\n");
  }
  expect(await Promise.all(both)).toEqual(["one", "one"]);
  const third = stage.ask();
  await stage.answer(2, PING, "+PONG\r\n");
  await stage.answer(2, GET, "+three\r\n");
  expect(await third).toBe("three");
  expect(stage.conns.map(({ closed }) => closed)).toEqual([true, true, false]);
  stage.conns[2]!.close();
  const fourth = stage.ask();
  await stage.answer(3, PING, "+PONG\r\n");
  await stage.answer(3, GET, "+four\r\n");
  expect(await fourth).toBe("four");
});

describe("where all connections are in use", () => {
  test("the next one to be free is waited for", async () => {
    const stage = new Stage();
    const both = [stage.ask(), stage.ask()];
    await stage.answer(0, PING, "+PONG\r\n");
    await stage.answer(0, GET, "+one\r\n");
    await stage.answer(0, PING, "+PONG\r\n");
    await stage.answer(0, GET, "+two\r\n");
    expect(await Promise.all(both)).toEqual(["one", "two"]);
  });

  test("one that broke makes room for another", async () => {
    const stage = new Stage();
    const both = [stage.ask(), stage.ask()];
    await stage.answer(0, PING, "+PONG\r\n");
    await stage.answer(0, GET, "garbage");
    await stage.answer(1, PING, "+PONG\r\n");
    await stage.answer(1, GET, "+two\r\n");
    expect(await Promise.all(both)).toEqual(["protocol", "two"]);
  });

  test("one that cannot be made lets the next try", async () => {
    const stage = new Stage();
    stage.failure = new RedisError("unreachable", "x");
    expect(await Promise.all([stage.ask(), stage.ask(), stage.ask()])).toEqual([
      "unreachable",
      "unreachable",
      "unreachable",
    ]);
    stage.failure = undefined;
    const again = stage.ask();
    await stage.answer(0, PING, "+PONG\r\n");
    await stage.answer(0, GET, "+one\r\n");
    expect(await again).toBe("one");
  });

  test("nobody waits for ever", async () => {
    const stage = new Stage({ times: { wait: 20 } });
    const both = [stage.ask(), stage.ask()];
    expect(await both[1]!).toBe("timeout");
    await stage.answer(0, PING, "+PONG\r\n");
    await stage.answer(0, GET, "+one\r\n");
    expect(await both[0]!).toBe("one");
  });
});

test("a server that is not ready in time is given up, and closed when it comes", async () => {
  const opened = Promise.withResolvers<FakeConn>();
  const pool = new RedisPool({ open: () => opened.promise, greeting: [], times: { ...LONG, create: 20 }, most: 1 });
  expect(await pool.ask(["GET", "a"]).catch((error: RedisError) => error.kind)).toBe("timeout");
  const conn = new FakeConn();
  opened.resolve(conn);
  await until("the late connection to be closed", () => conn.closed);
  expect(conn.written).toEqual([]);
});

test("a closed pool asks nobody", async () => {
  const stage = new Stage();
  stage.pool.close();
  expect(await stage.ask()).toBe("closed");
  expect(stage.conns).toEqual([]);
});

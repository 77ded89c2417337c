/** The relay between two connections: bytes, ends, aborts and limits, with played and with real peers. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Conn, Early } from "../../../../lib/net/conn.ts";
import { Relay, type RelayLimits, type RelayResult } from "../../../../lib/net/relay.ts";
import { FakeConn } from "./fake-conn.ts";
import { connect, KINDS, readAll, until } from "./support.ts";

setDefaultTimeout(30_000);

const NO_LIMITS: RelayLimits = { idle: 0, lifetime: 0, halfClosed: 0 };
const NOTHING: Early = { bytes: new Uint8Array(0), ended: false };

const noting = (results: RelayResult[]) => ({ relayEnded: (result: RelayResult) => void results.push(result) });

function relayConns(client: Conn, upstream: Conn, results: RelayResult[]): Relay {
  return new Relay(client, upstream, NO_LIMITS, NOTHING, noting(results));
}

function relayed(limits: Partial<RelayLimits> = {}, early = NOTHING) {
  const client = new FakeConn();
  const upstream = new FakeConn();
  const results: RelayResult[] = [];
  const relay = new Relay(client, upstream, { ...NO_LIMITS, ...limits }, early, noting(results));
  return { client, upstream, results, relay };
}

describe("bytes", () => {
  test("go both ways", () => {
    const { client, upstream } = relayed();
    client.data("question");
    upstream.data("answer");
    expect(upstream.written).toEqual(["question"]);
    expect(client.written).toEqual(["answer"]);
  });

  test("a side that does not keep up pauses the other, until it has drained", () => {
    const { client, upstream } = relayed();
    upstream.takes = false;
    client.data("too much");
    expect(client.calls).toEqual(["pause"]);
    expect(upstream.calls).toEqual([]);
    upstream.events!.drain();
    expect(client.calls).toEqual(["pause", "resume"]);
    client.takes = false;
    upstream.data("as well");
    expect(upstream.calls).toEqual(["pause"]);
    client.events!.drain();
    expect(upstream.calls).toEqual(["pause", "resume"]);
  });

  test("those that came early go first, and the client is resumed", () => {
    const { client, upstream } = relayed({}, { bytes: Buffer.from("early"), ended: false });
    client.data("late");
    expect(upstream.written).toEqual(["early", "late"]);
    expect(client.calls).toContain("resume");
  });

  test.each([4, 100_000])("%i bytes that came early go ahead of what is held, and nothing goes past that", (size) => {
    const client = new FakeConn().hold();
    const upstream = new FakeConn();
    Object.assign(client, {
      pumpTo() {
        upstream.written.push("pumped");
        return true;
      },
    });
    client.data("held, ");
    client.data("and more");
    const relay = new Relay(client, upstream, NO_LIMITS, { bytes: Buffer.alloc(size, "e"), ended: false }, noting([]));
    expect(upstream.written).toEqual(["e".repeat(size), "held, and more"]);
    relay.cut();
  });

  test("early bytes that are too many pause the client", () => {
    const client = new FakeConn();
    const upstream = new FakeConn();
    upstream.takes = false;
    const early = { bytes: Buffer.from("early"), ended: false };
    const relay = new Relay(client, upstream, NO_LIMITS, early, noting([]));
    expect(relay.client).toBe(client);
    expect(client.calls.at(-1)).toBe("pause");
  });

  test("an early end is passed on behind the early bytes", () => {
    const { upstream } = relayed({}, { bytes: Buffer.from("early"), ended: true });
    expect(upstream.written).toEqual(["early"]);
    expect(upstream.calls).toEqual(["end"]);
  });
});

describe("bulk", () => {
  /** A client that can move what is waiting past us, and what it answers. */
  const pumping = (answers: boolean) => {
    const parts = relayed();
    let pumped = 0;
    Object.assign(parts.client, {
      pumpTo(to: Conn) {
        expect(to).toBe(parts.upstream);
        pumped++;
        return answers;
      },
    });
    return { ...parts, pumped: () => pumped };
  };

  test("begins at 64 KiB: what is behind such a chunk is moved past us, after it", () => {
    const { client, upstream, pumped } = pumping(true);
    client.data("x".repeat(64 * 1024 - 1));
    expect(pumped()).toBe(0);
    client.data("y".repeat(64 * 1024));
    expect(pumped()).toBe(1);
    expect(upstream.written.map((text) => text.length)).toEqual([64 * 1024 - 1, 64 * 1024]);
    expect(client.calls).toEqual([]);
  });

  test("a reader that is full pauses it", () => {
    const { client, pumped } = pumping(false);
    client.data("x".repeat(64 * 1024));
    expect([pumped(), client.calls]).toEqual([1, ["pause"]]);
  });

  test("nothing overtakes a chunk that was not taken whole", () => {
    const { client, upstream, pumped } = pumping(true);
    upstream.takes = false;
    client.data("x".repeat(64 * 1024));
    expect([pumped(), client.calls]).toEqual([0, ["pause"]]);
  });
});

describe("ends", () => {
  test("are passed on, and the other direction goes on", () => {
    const { client, upstream, results } = relayed();
    client.events!.end();
    expect(upstream.calls).toEqual(["end"]);
    upstream.data("still coming");
    expect(client.written).toEqual(["still coming"]);
    upstream.events!.end();
    expect(client.calls).toEqual(["end"]);
    client.close();
    expect(results).toEqual([]);
    upstream.close();
    expect(results).toEqual([{ by: "client" }]);
  });

  test("are told once, when both sides are closed, with the side that ended first", () => {
    const { client, upstream, results } = relayed();
    upstream.events!.end();
    client.events!.end();
    upstream.close();
    client.close();
    expect(results).toEqual([{ by: "upstream" }]);
  });

  test.each(["client", "upstream"] as const)("an abort of the %s is passed on as one, and named", (side) => {
    const { client, upstream, results } = relayed();
    const [from, to] = side === "client" ? [client, upstream] : [upstream, client];
    const error = new Error("reset");
    from.close(error);
    expect(to.calls).toEqual(["destroy"]);
    expect(results).toEqual([{ by: side, error }]);
  });

  test("a close without an error lets the other side finish what it has, paused or not", () => {
    const { client, upstream, results } = relayed();
    upstream.events!.end();
    upstream.close();
    expect(client.calls).toEqual(["end", "end", "resume"]);
    expect(results).toEqual([]);
    client.close();
    expect(results).toEqual([{ by: "upstream" }]);
  });

  test("a cut ends both at once", () => {
    const { client, upstream, results, relay } = relayed();
    relay.cut();
    expect([client.closed, upstream.closed]).toEqual([true, true]);
    expect([...client.calls, ...upstream.calls]).not.toContain("end");
    expect(results).toEqual([{ by: "cut" }]);
  });

  test("a cut of what has ended tells nothing more", () => {
    const { client, upstream, results, relay } = relayed();
    client.close();
    upstream.close();
    relay.cut();
    expect(results).toEqual([{ by: "client" }]);
  });
});

describe("limits", () => {
  test("idle: no byte for so long", async () => {
    const { results } = relayed({ idle: 20 });
    await until(() => results.length > 0);
    expect(results).toEqual([{ by: "idle" }]);
  });

  test("lifetime: whatever moves", async () => {
    const { client, results } = relayed({ lifetime: 30, idle: 20_000 });
    const traffic = setInterval(() => client.data("x"), 5);
    await until(() => results.length > 0);
    clearInterval(traffic);
    expect(results).toEqual([{ by: "lifetime" }]);
  });

  test("half_closed: one direction ended, the other goes on for too long", async () => {
    const { client, upstream, results } = relayed({ halfClosed: 20 });
    client.events!.end();
    upstream.data("on and on");
    await until(() => results.length > 0);
    expect(results).toEqual([{ by: "half_closed" }]);
    expect([client.closed, upstream.closed]).toEqual([true, true]);
  });

  test("none: nothing is cut", async () => {
    const { client, results } = relayed();
    client.events!.end();
    await Bun.sleep(60);
    expect(results).toEqual([]);
  });
});

describe.each(KINDS)("over real connections, client native, upstream %s", (kind) => {
  test("a large transfer against a slow reader is whole, with an end on either side", async () => {
    const [front, back] = [await connect("native"), await connect(kind)];
    const results: RelayResult[] = [];
    relayConns(front.conn, back.conn, results);
    const sent = Buffer.alloc(8 * 1024 * 1024, "0123456789abcdef");
    back.peer.pause();
    front.peer.end(sent);
    await Bun.sleep(100);
    const got = readAll(back.peer.resume());
    expect((await got).equals(sent)).toBe(true);
    back.peer.end("thanks");
    expect((await readAll(front.peer)).toString()).toBe("thanks");
    await until(() => results.length > 0);
    expect(results).toEqual([{ by: "client" }]);
  });

  test.each(["nobody", "front", "back"] as const)("a cut after %s has ended is a reset for both", async (ended) => {
    const [front, back] = [await connect("native"), await connect(kind)];
    const results: RelayResult[] = [];
    const relay = relayConns(front.conn, back.conn, results);
    const ends = { front: front.peer, back: back.peer };
    const seen = Object.entries(ends).map(([name, peer]) => {
      const events: string[] = [];
      peer.on("data", () => {}).on("end", () => events.push("end"));
      const error = new Promise<Error>((resolve) => peer.on("error", resolve));
      if (ended === name) peer.end("bye");
      return { name, events, error };
    });
    if (ended !== "nobody") await until(() => seen.some(({ events }) => events.length > 0), "the end");
    relay.cut();
    for (const { name, events, error } of seen) {
      expect(await error).toHaveProperty("code");
      expect([name, events]).toEqual([name, ended === "nobody" || ended === name ? [] : ["end"]]);
    }
    await until(() => results.length > 0);
  });

  test.each(["front", "back"] as const)("a reset at the %s arrives at the other side as one", async (side) => {
    const [front, back] = [await connect("native"), await connect(kind)];
    const results: RelayResult[] = [];
    relayConns(front.conn, back.conn, results);
    const [one, other] = side === "front" ? [front.peer, back.peer] : [back.peer, front.peer];
    const failed = new Promise<Error>((resolve) => other.on("error", resolve));
    one.resetAndDestroy();
    expect(await failed).toMatchObject({ code: "ECONNRESET" });
    await until(() => results.length > 0);
    expect(results).toMatchObject([{ by: side === "front" ? "client" : "upstream", error: { code: "ECONNRESET" } }]);
  });
});

/** Bytes that pass a multiplexer as they are: in order and whole, whatever their pieces, their pace, and the end of either side. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { digestOf, next, receive, send } from "../../support/bulk.ts";
import { helloRecord, protocolIds, serverName } from "../../support/make-hello.ts";
import { Scene } from "../../support/scene.ts";
import { until } from "../../support/until.ts";
import { finish, HELLO, Line, resident, talk } from "./carried.ts";

setDefaultTimeout(180_000);

const MIB = 1024 * 1024;
/** Looks in a row that find the same. */
const STILL = 30;
const scene = new Scene();
let line: Line;
beforeAll(async () => {
  line = await Line.open(scene);
});
afterAll(() => scene.close());

describe("a hello", () => {
  test("at once is carried, and recorded with what it said and how it ended", async () => {
    const through = await line.through();
    await talk(through, "word");
    const port = through.client.socket.localPort;
    await finish(through);
    const record = await line.mux.session(({ client }) => client === `127.0.0.1:${port}`);
    expect(record).toMatchObject({
      decision: "allow",
      reason: "client",
      route: "a",
      target: line.far.text,
      dest: line.far.text,
      hello: { serverName: "a.example", protocolIds: ["h2", "http/1.1"] },
      sent: HELLO.length + 4,
      received: 4,
    });
  });

  test.each([
    ["in two pieces", [20]],
    ["byte by byte", Array.from({ length: HELLO.length - 1 }, (_, i) => i + 1)],
  ])("%s comes to the same target whole", async (_, cuts) => {
    const client = await line.client();
    let at = 0;
    for (const cut of [...cuts, HELLO.length]) {
      // A piece is on its way when the next is written.
      await new Promise<void>((written) => client.socket.write(HELLO.subarray(at, cut), () => setImmediate(written)));
      at = cut;
    }
    const far = await line.far.next();
    const got: Buffer[] = [];
    while (Buffer.concat(got).length < HELLO.length) got.push(await next(far));
    expect(Buffer.concat(got)).toEqual(HELLO);
    const from = `127.0.0.1:${client.socket.localPort}`;
    client.end();
    far.end();
    await client.closed;
    expect((await line.mux.session((one) => one.client === from)).sent).toBe(HELLO.length);
  });

  test("with protocol ids of any bytes is recorded as it is", async () => {
    const odd = helloRecord({ extensions: [serverName("a.example"), protocolIds("a\nb", "\t")] });
    const { client, far } = await line.sockets(odd);
    const port = client.socket.localPort;
    client.end();
    far.resume().end();
    await client.closed;
    const record = await line.mux.session((one) => one.client === `127.0.0.1:${port}`);
    expect(record.hello).toEqual({ serverName: "a.example", protocolIds: ["a\nb", "\t"] });
  });
});

describe("what stands behind the hello", () => {
  test.each([1, 1000, 60_000, 300_000, 5 * MIB])("%d bytes at once", async (size) => {
    const behind = Buffer.alloc(size);
    for (let i = 0; i < size; i++) behind[i] = (i * 31 + (i >> 8)) & 255;
    const { client, far } = await line.sockets(Buffer.concat([HELLO, behind]));
    client.end();
    const digest = receive(() => next(far));
    far.end();
    const expected = new Bun.CryptoHasher("sha256").update(HELLO).update(behind).digest("hex");
    expect(await digest).toBe(expected);
    await client.closed;
  });

  test("64 MiB both ways at a time, and every byte of it", async () => {
    const size = 64 * MIB;
    const { client, far } = await line.plain();
    const [there, back] = await Promise.all([
      receive(() => next(far)),
      receive(() => next(client)),
      send(client, size, 1),
      send(far, size, 2),
    ]);
    expect([there, back]).toEqual([digestOf(size, 1), digestOf(size, 2)]);
  });

  test.each(["client", "target"] as const)("a %s that does not read costs no memory", async (slow) => {
    const size = 64 * MIB;
    const count = 4;
    const lines = await Promise.all(Array.from({ length: count }, () => line.plain()));
    const before = await resident(line.mux);
    const ends = lines.map(({ client, far }) =>
      slow === "client" ? { from: far, to: client } : { from: client, to: far },
    );
    const sending = ends.map(({ from }, i) => send(from, size, i));
    let [written, still] = [0, 0];
    await until("a standstill", () => {
      const now = ends.reduce((sum, { from }) => sum + from.bytesWritten - from.writableLength, 0);
      still = now === written ? still + 1 : 0;
      written = now;
      return still === STILL;
    });
    expect(written).toBeLessThan((count * size) / 2);
    expect((await resident(line.mux)) - before).toBeLessThan(32 * 1024);
    const digests = Promise.all(ends.map(({ to }) => receive(() => next(to))));
    for (const { to } of ends) to.end();
    await Promise.all(sending);
    expect(await digests).toEqual(ends.map((_, i) => digestOf(size, i)));
  });

  test("word by word, with pauses between", async () => {
    const through = await line.through();
    for (let i = 0; i < 200; i++) {
      await talk(through, `word ${i}`);
      if (i % 40 === 0) await Bun.sleep(30);
    }
    await finish(through);
  });
});

describe("an end", () => {
  test("of the client's direction leaves the other open", async () => {
    const { client, target } = await line.through();
    client.write("question");
    client.end();
    expect(String(await target.rest())).toBe("question");
    target.write("a late ");
    target.write("answer");
    target.end();
    expect(String(await client.rest())).toBe("a late answer");
    await client.closed;
  });

  test("of the target's direction leaves the other open", async () => {
    const { client, target } = await line.through();
    target.write("greeting");
    target.end();
    expect(String(await client.rest())).toBe("greeting");
    client.write("a late answer");
    client.end();
    expect(String(await target.rest())).toBe("a late answer");
    await target.closed;
  });

  test("is told with the hello, and with what stands behind it", async () => {
    const client = await line.client();
    client.socket.end(Buffer.concat([HELLO, Buffer.from("all")]));
    const far = await line.far.next();
    const expected = new Bun.CryptoHasher("sha256").update(HELLO).update("all").digest("hex");
    expect(await receive(() => next(far))).toBe(expected);
    far.end("done");
    expect(String(await client.rest())).toBe("done");
    expect(client.failure).toBeUndefined();
  });

  test("delimits an answer, and is the first that is recorded", async () => {
    const { client, far } = await line.plain();
    const port = client.localPort;
    const size = 3 * MIB + 1;
    const digest = receive(() => next(client));
    await send(far, size, 9);
    expect(await digest).toBe(digestOf(size, 9));
    client.end();
    expect(await line.mux.session((one) => one.client === `127.0.0.1:${port}`)).toMatchObject({
      reason: "upstream",
      sent: HELLO.length,
      received: size,
    });
  });

  test.each([
    ["client", "upstream"],
    ["target", "client"],
  ] as const)("of a %s by a reset is a reset for the other side", async (first) => {
    const through = await line.through();
    const { client, target } = through;
    await talk(through, "word");
    const port = client.socket.localPort;
    const other = first === "client" ? target : client;
    through[first].reset();
    await other.closed;
    expect(other.failure).toBe("ECONNRESET");
    const record = await line.mux.session((one) => one.client === `127.0.0.1:${port}`);
    expect(record).toMatchObject({ decision: "allow", reason: first === "client" ? "client" : "upstream" });
    expect(record.error).toBeString();
  });
});

test("in the end nothing is open, and it stops", async () => {
  expect(await line.mux.stop()).toBe(0);
  expect(line.mux.program.stderr).not.toContain("internal error");
});

/** A backend that is absent, down, flapping, or resets whoever comes; and a second one. The tunnel is well after each, and so are its counts. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Socket } from "node:net";
import { next } from "../../support/bulk.ts";
import { FarEnd } from "../../support/far-end.ts";
import { Scene } from "../../support/scene.ts";
import { until } from "../../support/until.ts";
import { Line, type LineOptions } from "./line.ts";

setDefaultTimeout(120_000);

const ROUNDS = process.env["PORTAIL_LONG"] === "1" ? 100 : 6;
const AT_ONCE = 10;

/** What comes back to a word: the word, or how it ended without. */
async function answerOf(line: Line): Promise<string> {
  let near: Socket | undefined;
  try {
    near = await line.near();
    near.write("word");
    return String(await next(near));
  } catch (error) {
    // Perhaps before it was told that it is connected.
    return (error as { code?: string }).code ?? String(error);
  } finally {
    near?.destroy();
  }
}

const answersOf = (line: Line) => Promise.all(Array.from({ length: AT_ONCE }, () => answerOf(line)));
const echo = (socket: Socket) => void socket.pipe(socket);
const all = (answer: string) => Array.from({ length: AT_ONCE }, () => answer);

const LINES: [name: string, options: LineOptions][] = [
  ["TLS 1.2", { version: "TLS1.2" }],
  ["TLS 1.3", { version: "TLS1.3" }],
  ["UNIX sockets", { unix: true }],
];

describe.each(LINES)("%s", (_, options) => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test("absent, there, resetting, down and back", async () => {
    const line = await Line.open(scene, options);
    const [port, path] = options.unix ? [0, line.far.text.slice("unix:".length)] : [line.far.port, undefined];
    await line.far.close();
    // UNIX sockets have no reset: the end is all there is to see.
    const gone = options.unix ? "" : "ECONNRESET";
    let phases = 0;
    const phase = async (answer: string) => {
      expect(await answersOf(line)).toEqual(all(answer));
      await line.settled();
      phases++;
      await until("all records", () => line.server.sessions().length === phases * AT_ONCE);
    };
    const there = async (handle: (socket: Socket) => void, answer: string) => {
      const far = await FarEnd.open(scene, path, port);
      far.serve(handle);
      await phase(answer);
      await far.close();
    };
    await phase(gone);
    await there(echo, "word");
    await there((socket) => (options.unix ? socket.destroy() : socket.resetAndDestroy()), gone);
    await phase(gone);
    await there(echo, "word");
    const outcomes = line.server.sessions().map(({ decision, reason }) => `${decision} ${reason}`);
    const [absent, served, reset, down, again] = Array.from({ length: phases }, (_, i) =>
      outcomes.slice(i * AT_ONCE, (i + 1) * AT_ONCE),
    );
    for (const refused of [absent, down]) expect(refused).toEqual(all("deny dial_refused"));
    for (const carried of [served, again]) expect(carried).toEqual(all("allow client"));
    // Whether it is reset before or after we see that it is connected is chance.
    for (const outcome of reset!) expect(outcome).toMatch(/^(allow upstream|deny dial_refused)$/);
    expect(await line.server.metrics()).toMatchObject({
      "accept.total": phases * AT_ONCE,
      "accept.success": phases * AT_ONCE,
      "accept.error": 0,
      "conn.lifetime.count": outcomes.filter((outcome) => outcome.startsWith("allow")).length,
    });
  });
});

describe("flapping", () => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test("each connection is served or closed, none hangs, and the last are served", async () => {
    const line = await Line.open(scene);
    const { port } = line.far;
    await line.far.close();
    const answers: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const asked = answersOf(line);
      const far = await FarEnd.open(scene, undefined, port);
      far.serve(round % 2 === 0 ? echo : (socket) => setImmediate(() => socket.resetAndDestroy()));
      const more = answersOf(line);
      await Bun.sleep(10);
      await far.close();
      answers.push(...(await asked), ...(await more));
    }
    for (const answer of answers) expect(answer).toMatch(/^(word||ECONNRESET)$/);
    const far = await FarEnd.open(scene, undefined, port);
    far.serve(echo);
    expect(await answersOf(line)).toEqual(all("word"));
    await line.settled();
    expect(await line.server.metrics()).toMatchObject({ "accept.total": answers.length + AT_ONCE, "accept.error": 0 });
  });
});

describe("a client tunnel without its server", () => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test("closes what comes, and serves again when the server is back", async () => {
    const line = await Line.open(scene);
    line.far.serve(echo);
    expect(await answerOf(line)).toBe("word");
    await line.server.program.kill();
    expect(await answersOf(line)).toEqual(all("ECONNRESET"));
    await line.restartServer();
    expect(await answersOf(line)).toEqual(all("word"));
    await line.settled();
  });
});

describe("two targets", () => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test("the second serves while the first is down, and the first again when it is back", async () => {
    const [first, second] = [await FarEnd.open(scene), await FarEnd.open(scene)];
    const name = (word: string) => (socket: Socket) => void socket.end(word);
    first.serve(name("first"));
    second.serve(name("second"));
    const line = await Line.open(scene, { targets: [first.text, second.text] });
    expect(await answersOf(line)).toEqual(all("first"));
    const { port } = first;
    await first.close();
    expect(await answersOf(line)).toEqual(all("second"));
    const back = await FarEnd.open(scene, undefined, port);
    back.serve(name("first"));
    await until("the first again", async () => {
      // Who looks at the targets notes that it is there, before the next connection would try.
      await fetch(`http://${await line.server.status()}/_status`);
      return (await answerOf(line)) === "first";
    });
    expect(await answersOf(line)).toEqual(all("first"));
    await Promise.all([back.close(), second.close()]);
    expect(await answersOf(line)).toEqual(all("ECONNRESET"));
    await line.settled();
  });
});

/** Clients of a Varlink service that break its protocol, are slow, take no reply, or are very many. No time is asserted. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { once } from "node:events";
import { chmodSync } from "node:fs";
import { connect, type Socket } from "node:net";
import type { VarlinkInterface } from "../../lib/service/varlink-interface.ts";
import { MOST_CALL, openVarlink, type VarlinkListener } from "../../lib/service/varlink.ts";
import { leaveOut, missing } from "../support/needs.ts";
import { start } from "../support/program.ts";
import { Scene } from "../support/scene.ts";
import { become } from "../support/varlink-library.ts";
import { fakeRuntime, until } from "./harness.ts";

setDefaultTimeout(60_000);

const scene = new Scene();
let path: string;
let listener: VarlinkListener;
/** Replies that were asked of the endless stream. */
let streamed = 0;

const service: VarlinkInterface = {
  name: "test.portail.Echo",
  description: "interface test.portail.Echo\nmethod Echo(text: string) -> (text: string)\n",
  methods: {
    Echo: ({ parameters }) => ({ parameters }),
    async Slow({ parameters }) {
      await Bun.sleep(1);
      return { parameters };
    },
    Endless: () => ({
      replies: {
        next() {
          streamed++;
          return { done: false, value: { text: "x".repeat(10_000) } };
        },
      },
    }),
    Break() {
      throw new Error("a mistake of ours");
    },
  },
};

beforeAll(async () => {
  path = scene.path("socket");
  const info = { vendor: "v", product: "p", version: "1", url: "" };
  const { log } = fakeRuntime();
  const options = { info, interfaces: [service], log, mode: 0o666, patience: 500 };
  listener = await openVarlink({ kind: "unix", path }, {}, options);
});
afterAll(async () => {
  listener.close();
  await scene.close();
});

interface Talk {
  socket: Socket;
  /** What came so far. */
  text(): string;
  closed: Promise<unknown>;
}

async function open(): Promise<Talk> {
  const socket = connect(path);
  let text = "";
  socket.on("error", () => {}).on("data", (chunk) => (text += chunk.toString()));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await once(socket, "connect");
  return { socket, text: () => text, closed };
}

const echo = (text: string, more = "") =>
  `{"method":"test.portail.Echo.Echo","parameters":{"text":"${text}"}${more}}\0`;
const echoed = (text: string) => `{"parameters":{"text":"${text}"}}\0`;

async function isServed(): Promise<void> {
  const { socket, text } = await open();
  socket.write(echo("served"));
  await until(() => text() === echoed("served"), "the reply");
  socket.destroy();
}

describe("who breaks the protocol is cut, and nobody else", () => {
  test.each([
    ["no JSON", "hello\0"],
    ["nothing at all", "\0"],
    ["an array", "[]\0"],
    ["no method", "{}\0"],
    ["a method of no interface", '{"method":"Echo"}\0'],
    ["flags that exclude each other", echo("x", ',"more":true,"oneway":true')],
    ["a field that nobody knows", echo("x", ',"extra":1')],
    ["brackets without end", `{"method":"a.b.C","parameters":${"[".repeat(50_000)}\0`],
    ["HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n\0"],
    ["bytes that are not UTF-8", Buffer.from([0x7b, 0xff, 0x7d, 0])],
    ["a message beyond the limit", "x".repeat(MOST_CALL + 1)],
    ["megabytes without end", "x".repeat(4_000_000)],
    ["a good call, then a bad one", `${echo("first")}nonsense\0${echo("never")}`],
  ])("%s", async (_, sent) => {
    const other = await open();
    const { socket, text, closed } = await open();
    socket.write(sent);
    await closed;
    expect(text()).toBe(String(sent).startsWith(echo("first")) ? echoed("first") : "");
    other.socket.write(echo("still"));
    await until(() => other.text() === echoed("still"), "the other's reply");
    other.socket.destroy();
  });

  test("a message of just the limit is answered", async () => {
    const { socket, text } = await open();
    const frame = echo("").length - 1;
    const long = "y".repeat(MOST_CALL - frame);
    socket.write(echo(long));
    await until(() => text() === echoed(long), "the reply");
    socket.destroy();
  });

  test("a mistake of ours ends the connection and not the service", async () => {
    const { socket, closed } = await open();
    socket.write('{"method":"test.portail.Echo.Break"}\0');
    await closed;
    await isServed();
  });
});

describe("who is slow", () => {
  test("is answered if the call is whole in time", async () => {
    const { socket, text } = await open();
    for (const byte of echo("slow")) socket.write(byte);
    await until(() => text() === echoed("slow"), "the reply");
    socket.destroy();
  });

  test.each([
    ["a call that never ends", '{"method":'],
    ["a call after a whole one", `${echo("one")}{`],
  ])("is cut: %s", async (_, sent) => {
    const { socket, closed } = await open();
    socket.write(sent);
    const trickle = setInterval(() => socket.write(" "), 50);
    await closed;
    clearInterval(trickle);
    await isServed();
  });

  test("but may be silent between calls", async () => {
    const { socket, text } = await open();
    socket.write(echo("a"));
    await until(() => text() === echoed("a"), "the reply");
    await Bun.sleep(1000);
    socket.write(echo("b"));
    await until(() => text() === echoed("a") + echoed("b"), "the second reply");
    socket.destroy();
  });

  test("and takes no reply is cut, and what is made for it is bounded", async () => {
    const socket = connect(path);
    socket.on("error", () => {}).pause();
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await once(socket, "connect");
    socket.write('{"method":"test.portail.Echo.Endless","more":true}\0');
    await until(() => streamed > 0, "the stream");
    const before = await settled(() => streamed);
    // The buffers of a socket hold some hundred kilobytes.
    expect(before).toBeLessThan(500);
    // Its patience is half a second; who reads again is served again.
    await Bun.sleep(1500);
    socket.resume();
    await closed;
    await isServed();
  });
});

async function settled(look: () => number): Promise<number> {
  for (let last = -1; ;) {
    const now = look();
    if (now === last) return now;
    last = now;
    await Bun.sleep(100);
  }
}

describe("who sends ahead", () => {
  test("is answered in order, whatever takes longer", async () => {
    const { socket, text } = await open();
    const names = Array.from({ length: 60 }, (_, i) => `n${i}`);
    socket.write(names.map((name, i) => (i % 2 ? echo(name) : echo(name).replace('.Echo"', '.Slow"'))).join(""));
    await until(() => text() === names.map(echoed).join(""), "all replies");
    socket.destroy();
  });

  test("and ends its direction gets what is due, and then the end", async () => {
    const { socket, text, closed } = await open();
    socket.end(echo("a") + echo("b", ',"oneway":true') + echo("c"));
    await closed;
    expect(text()).toBe(echoed("a") + echoed("c"));
  });

  test("weakness 6.2.17, no limit to the rate: more calls than a second's share are all answered in the end", async () => {
    const { socket, text } = await open();
    socket.write(echo("x").repeat(250));
    await until(() => text() === echoed("x").repeat(250), "all replies");
    socket.destroy();
    await isServed();
  });
});

describe("a thousand idle connections", () => {
  test("of one user leave it the latest sixty-four", async () => {
    const all: Talk[] = [];
    for (let i = 0; i < 1000; i++) all.push(await open());
    await until(() => all.filter(({ socket }) => !socket.destroyed).length <= 64, "the others to be closed");
    const last = all.at(-1)!;
    last.socket.write(echo("last"));
    await until(() => last.text() === echoed("last"), "the reply to the last");
    for (const { socket } of all) socket.destroy();
  });

  const needs = missing(["setpriv", "python3"]);
  if (needs.length > 0) leaveOut("a thousand idle connections of another user", needs);
  else if (process.getuid!() === 0) {
    test("of one user cost another none of his", async () => {
      const mine = await open();
      await Bun.write(scene.path("idle.py"), IDLE);
      chmodSync(scene.folder, 0o755);
      const crowd = start(scene, [
        ...become({ uid: 12_345, gid: 12_345 }),
        "/usr/bin/python3",
        scene.path("idle.py"),
        path,
      ]);
      await crowd.output("stdout", /opened 1000/);
      mine.socket.write(echo("mine"));
      await until(() => mine.text() === echoed("mine"), "the reply");
      await isServed();
      await crowd.kill();
      mine.socket.destroy();
    });
  }
});

const IDLE = `import socket, sys, time
held = []
for i in range(1000):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    held.append(s)
print("opened", len(held), flush=True)
time.sleep(60)
`;

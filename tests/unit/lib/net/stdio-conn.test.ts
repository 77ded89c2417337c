/** `Conn` over standard streams of every kind, played by stdio-program.ts: what its peer sees, and what it tells. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, createWriteStream, openSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { leaveOut, missing } from "../../../support/needs.ts";
import { environment } from "../../../support/program.ts";
import { Scene } from "../../../support/scene.ts";
import { TerminalProgram } from "../../../support/terminal.ts";
import { freePort } from "../../../support/free-port.ts";
import { content, digest } from "../../../support/web.ts";

setDefaultTimeout(60_000);

const PROGRAM = join(import.meta.dir, "stdio-program.ts");
const scene = new Scene();
afterAll(() => scene.close());

const command = (...part: string[]) => [process.execPath, PROGRAM, ...part];

interface Peer {
  send(bytes: Uint8Array | string): void;
  end(): void;
  /** All that the program wrote, up to its end. */
  output: Promise<Buffer>;
  /** What it reported, once it has ended. */
  reports: Promise<Record<string, unknown>[]>;
}

function spawn(argv: string[]) {
  return Bun.spawn(argv, { env: environment(), stdin: "pipe", stdout: "pipe", stderr: "pipe" });
}

async function readReports(child: Bun.Subprocess<"pipe", "pipe", "pipe">): Promise<Record<string, unknown>[]> {
  const text = await child.stderr.text();
  expect(await child.exited, text).toBe(0);
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function overStreams(argv: string[]): Peer {
  const child = spawn(argv);
  return {
    send(bytes) {
      child.stdin.write(bytes);
      void child.stdin.flush();
    },
    end: () => void child.stdin.end(),
    output: child.stdout.bytes().then((bytes) => Buffer.from(bytes)),
    reports: readReports(child),
  };
}

/** Two pipes with names, and nobody between the program and its peer. */
function overPipes(argv: string[]): Peer {
  const [from, to] = [scene.path(`pipe-${++pipes}`), scene.path(`pipe-${++pipes}`)];
  Bun.spawnSync(["mkfifo", from, to]);
  const child = spawn(["sh", "-c", `exec "$@" <${from} >${to}`, "sh", ...argv]);
  // In the order in which the shell opens them: each waits for its other end.
  const input = createWriteStream(from);
  input.on("error", () => {});
  return {
    send: (bytes) => void input.write(bytes),
    end: () => void input.end(),
    output: new Response(Bun.file(to).stream()).bytes().then((bytes) => Buffer.from(bytes)),
    reports: readReports(child),
  };
}

let pipes = 0;

/** The program behind socat, which gives it the socket of its peer as both streams. */
async function overSocket(address: { port: number } | { path: string }, argv: string[]): Promise<Peer> {
  const listen = "port" in address ? `TCP-LISTEN:${address.port},bind=127.0.0.1` : `UNIX-LISTEN:${address.path}`;
  const child = spawn(["socat", listen, `EXEC:${argv.join(" ")},nofork`]);
  const connect = () =>
    new Promise<Socket | undefined>((resolve) => {
      const socket = createConnection({ host: "127.0.0.1", ...address, allowHalfOpen: true });
      socket.on("connect", () => resolve(socket)).on("error", () => resolve(undefined));
    });
  let socket = await connect();
  for (; socket === undefined; socket = await connect()) await Bun.sleep(10);
  const open = socket;
  const chunks: Buffer[] = [];
  const output = new Promise<Buffer>((resolve) => {
    const over = () => resolve(Buffer.concat(chunks));
    open.on("end", over).on("close", over);
  });
  open.on("data", (chunk: Buffer) => void chunks.push(chunk));
  return {
    send: (bytes) => void open.write(bytes),
    end: () => void open.end(),
    output,
    reports: readReports(child),
  };
}

const KINDS: Record<string, (...part: string[]) => Peer | Promise<Peer>> = {
  "two pipes, as of ssh": (...part) => overPipes(command(...part)),
  "two sockets": (...part) => overStreams(command(...part)),
  "one TCP socket, as of inetd": (...part) => overSocket({ port: freePort() }, command(...part)),
  "one UNIX socket": (...part) => overSocket({ path: scene.path(`socket-${++pipes}`) }, command(...part)),
};

const NEEDS = missing(["socat"]);
if (NEEDS.length > 0) leaveOut("standard streams of every kind", NEEDS);
else {
  describe.each(Object.entries(KINDS))("%s", (kind, open) => {
    test("bulk goes both ways unchanged, and both directions end in order", async () => {
      const peer = await open("echo");
      const bytes = content(20_000_000);
      peer.send(bytes);
      peer.end();
      expect(digest(await peer.output)).toBe(digest(bytes));
      const [report] = await peer.reports;
      expect(report).toEqual({
        events: ["data", "end", "close"],
        received: bytes.length,
        sent: bytes.length,
        buffered: 0,
        closed: true,
      });
    });

    test("our end is seen at once, and the peer's direction stays open", async () => {
      const peer = await open("half");
      expect((await peer.output).toString()).toBe("that was all");
      peer.send("not yet");
      await Bun.sleep(20);
      peer.send("!");
      peer.end();
      const [report] = await peer.reports;
      expect(report).toMatchObject({ events: ["data", "end", "close"], received: 8, sent: 12 });
    });

    test("the peer's end leaves our direction open", async () => {
      const peer = await open("late");
      peer.end();
      expect((await peer.output).toString()).toBe("still here");
      const [report] = await peer.reports;
      expect(report).toMatchObject({ events: ["end", "close"], sent: 10 });
    });

    test("a slow peer is told by write, nothing is lost, and an end waits for what is buffered", async () => {
      const peer = await open("flood");
      peer.end();
      const output = await peer.output;
      const [asked, drained, report] = await peer.reports;
      const written = Number(asked!["written"]);
      expect(asked!["buffered"]).toBeGreaterThan(0);
      expect(output.length).toBe(written * 65_536 + 4);
      for (let i = 0; i < written; i++) expect(output[i * 65_536]).toBe(i & 255);
      expect(output.subarray(-4).toString()).toBe("last");
      expect(drained).toEqual({ drained: true, buffered: 0 });
      expect(report).toMatchObject({ sent: output.length });
    });

    test("a pause holds what comes", async () => {
      const peer = await open("paused");
      peer.send("a");
      await Bun.sleep(20);
      peer.send("b");
      peer.end();
      await peer.output;
      expect(await peer.reports).toMatchObject([{ before: 0 }, { events: ["data", "end", "close"], received: 2 }]);
    });

    test.each([[], ["full"]])("it can be given up at any time %p", async (...full) => {
      const peer = await open("destroy", ...full);
      await peer.output;
      const [closed, again] = await peer.reports;
      expect(closed).toMatchObject({ events: ["close"], closed: true });
      expect(again).toEqual({ again: true });
      peer.end();
    });

    test("what it says of itself", async () => {
      const peer = await open("who");
      peer.end();
      await peer.output;
      const [{ remote, local, peer: credentials } = {}] = await peer.reports;
      if (kind.includes("TCP")) {
        expect([remote, local]).toEqual([
          expect.stringMatching(/^127\.0\.0\.1:\d+$/),
          expect.stringMatching(/^127\.0\.0\.1:\d+$/),
        ]);
      } else expect(remote).toBe("unix:");
      if (kind === "one UNIX socket") {
        expect(credentials).toEqual({ pid: process.pid, uid: process.getuid!(), gid: process.getgid!() });
        expect(local).toMatch(/^unix:.*\/socket-\d+$/);
      }
      if (kind.includes("TCP") || kind.includes("pipes")) expect(credentials).toBeUndefined();
    });
  });
}

const shell = async (script: string, ...part: string[]) => {
  const child = spawn(["sh", "-c", script, "sh", ...command(...part)]);
  child.stdin.end();
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  expect(await child.exited, stderr).toBe(0);
  return { stdout, stderr };
};

describe("files", () => {
  test("are read and written where their descriptors stand, and to their end", async () => {
    const [from, to] = [scene.write("in", `first\n${"x".repeat(200_000)}\n`), scene.write("out", "")];
    await shell(`(read -r line; echo "shell read $line"; "$@"; echo tail) <${from} >${to}`, "echo");
    expect(await Bun.file(to).text()).toBe(`shell read first\n${"x".repeat(200_000)}\ntail\n`);
  });

  test("may be nothing at all", async () => {
    const { stderr } = await shell('"$@" </dev/null >/dev/null', "echo");
    expect(JSON.parse(stderr)).toMatchObject({ events: ["end", "close"], received: 0 });
  });
});

test("given up, it waits for nobody to read", async () => {
  const [from, to] = [scene.path("silent"), scene.path("deaf")];
  Bun.spawnSync(["mkfifo", from, to]);
  const [input, output] = [from, to].map((path) => openSync(path, "r+"));
  const child = spawn(["sh", "-c", `exec "$@" <${from} >${to}`, "sh", ...command("destroy", "full")]);
  expect(await child.exited).toBe(0);
  closeSync(input!);
  closeSync(output!);
});

test("a reader that has gone away closes it with the error, and nothing keeps the program", async () => {
  const child = spawn(["sh", "-c", '"$@" | true', "sh", ...command("broken")]);
  expect(await child.exited).toBe(0);
  expect(await child.stderr.text()).toContain('"closed":true,"error":"EPIPE"');
});

const PYTHON = missing(["python3"]);
if (PYTHON.length > 0) leaveOut("a pipe that others write to is left as blocking as it was", PYTHON);
else
  test("a pipe that others write to is left as blocking as it was", async () => {
    const { stdout } = await shell(
      '("$@" </dev/null; python3 -c "import os; print(os.get_blocking(1))") | cat',
      "echo",
    );
    expect(stdout).toBe("True\n");
  });

test("a terminal", async () => {
  const terminal = new TerminalProgram(scene, [
    "sh",
    "-c",
    'stty -echo; echo ready; exec "$@"',
    "sh",
    ...command("echo"),
  ]);
  await terminal.shows(/ready/);
  terminal.type("hello\n");
  await terminal.shows(/hello/);
  terminal.type("\x04");
  await terminal.shows(/"events":\["data","end","close"\]/);
  expect(await terminal.ended).toBe(0);
});

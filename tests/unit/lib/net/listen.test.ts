/** Listening on TCP, UNIX and inherited sockets, and what the system refuses. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PortailError } from "../../../../lib/command/errors.ts";
import { formatAddress, type Conn } from "../../../../lib/net/conn.ts";
import { parseEndpoint } from "../../../../lib/net/endpoint.ts";
import { KeepAlive } from "../../../../lib/net/keep-alive.ts";
import { openListener, type Environment, type Listener } from "../../../../lib/net/listen.ts";
import { leaveOut, missing } from "../../../support/needs.ts";
import { Notes, until } from "./support.ts";

setDefaultTimeout(30_000);

let folder = "";
const open: Listener[] = [];
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "portail-listen-"))));
afterEach(() => {
  for (const listener of open.splice(0)) listener.close();
  rmSync(folder, { recursive: true });
});

interface Served {
  listener: Listener;
  conns: Conn[];
  notes: Notes[];
}

async function serve(text: string, env: Environment = {}, reusePort?: boolean): Promise<Served> {
  const conns: Conn[] = [];
  const notes: Notes[] = [];
  const accept = (conn: Conn) => {
    const receiver = new Notes();
    conn.attach(receiver);
    conns.push(conn);
    notes.push(receiver);
  };
  const options = { keepAlive: new KeepAlive(60), accept, ...(reusePort !== undefined && { reusePort }) };
  const listener = await openListener(parseEndpoint(text, "--listen"), env, options);
  open.push(listener);
  return { listener, conns, notes };
}

async function refusal(text: string, env: Environment = {}, reusePort?: boolean): Promise<PortailError> {
  const error = await serve(text, env, reusePort).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof PortailError)) throw new Error("expected a PortailError");
  return error;
}

function connected(options: { port: number; host: string } | { path: string }): Promise<Socket> {
  const socket = createConnection(options as never);
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(socket));
    socket.on("error", reject);
  });
}

describe("TCP", () => {
  test.each(["127.0.0.1", "::1"])("%s, on a port that the system chooses", async (host) => {
    const { listener, conns, notes } = await serve(host.includes(":") ? `[${host}]:0` : `${host}:0`);
    const { address } = listener;
    if (!("ip" in address)) throw new Error("no address");
    expect(address.ip).toBe(host);
    expect(address.port).toBeGreaterThan(0);
    const client = await connected({ port: address.port, host });
    client.write("hello");
    await until(() => notes[0]?.text === "hello");
    expect(conns[0]!.remote).toEqual({ ip: host, port: client.localPort! });
    client.destroy();
  });

  test("every address: an IPv4 client is seen as IPv4", async () => {
    const { listener, conns } = await serve(":0");
    const { port } = listener.address as { port: number };
    const client = await connected({ port, host: "127.0.0.1" });
    await until(() => conns.length === 1);
    expect(formatAddress(conns[0]!.remote)).toBe(`127.0.0.1:${client.localPort}`);
    client.destroy();
  });

  test("who resets before it is accepted never was there: nobody could tell who it was", async () => {
    const { listener, conns } = await serve("127.0.0.1:0");
    const { port } = listener.address as { port: number };
    // While it runs nothing is accepted here.
    const program = `require("net").connect(${port}, "127.0.0.1", function () {
      this.write("hello", () => this.resetAndDestroy());
    })`;
    expect(Bun.spawnSync([process.execPath, "-e", program]).exitCode).toBe(0);
    const client = await connected({ port, host: "127.0.0.1" });
    await until(() => conns.length > 0);
    expect(conns.map(({ remote }) => remote)).toEqual([{ ip: "127.0.0.1", port: client.localPort! }]);
    client.destroy();
  });

  test("closing stops accepting, and leaves what was accepted", async () => {
    const { listener, conns, notes } = await serve("127.0.0.1:0");
    const { port } = listener.address as { port: number };
    const client = await connected({ port, host: "127.0.0.1" });
    await until(() => conns.length === 1);
    listener.close();
    expect(await connected({ port, host: "127.0.0.1" }).catch(({ code }) => code as string)).toBe("ECONNREFUSED");
    client.write("still here");
    await until(() => notes[0]?.text === "still here");
    client.destroy();
  });

  test("a port that is taken: who holds it can be found out, status 71", async () => {
    const { listener } = await serve("127.0.0.1:0");
    const { port } = listener.address as { port: number };
    const error = await refusal(`127.0.0.1:${port}`);
    expect(error).toMatchObject({ code: "listen.eaddrinuse", exit: 71 });
    expect(error.message).toContain(`127.0.0.1:${port}`);
    expect(error.hint).toContain("ss -ltnp");
  });

  test("an address of another machine", async () => {
    expect(await refusal("192.0.2.1:0")).toMatchObject({ code: "listen.eaddrnotavail", exit: 71 });
  });
});

describe("a port that is shared (SO_REUSEPORT)", () => {
  /** A port that another process holds, in the ways that python3 has. */
  async function hold(...how: ("reuse" | "listen")[]): Promise<number> {
    const script = `
import socket, sys
s = socket.socket()
if "reuse" in sys.argv: s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
s.bind(("127.0.0.1", 0))
if "listen" in sys.argv: s.listen()
print(s.getsockname()[1], flush=True)
sys.stdin.read()
`;
    const child = Bun.spawn(["python3", "-c", script, ...how], { stdin: "pipe", stdout: "pipe" });
    holders.push(child);
    const { value } = await child.stdout.getReader().read();
    return Number(Buffer.from(value!).toString());
  }
  const holders: Bun.Subprocess[] = [];
  afterEach(async () => {
    for (const holder of holders.splice(0)) {
      holder.kill();
      await holder.exited;
    }
  });

  test("two listeners overlap; when the old one is closed the new one has all", async () => {
    const { listener: old } = await serve("127.0.0.1:0", {}, true);
    const { port } = old.address as { port: number };
    const { notes } = await serve(`127.0.0.1:${port}`, {}, true);
    old.close();
    for (let i = 0; i < 20; i++) (await connected({ port, host: "127.0.0.1" })).end("x");
    await until(() => notes.filter(({ text }) => text === "x").length === 20);
  });

  const absent = missing(["python3"]);
  if (absent.length > 0) leaveOut("a port is shared with another process", absent);
  else {
    test.each([[["reuse"]], [["reuse", "listen"]]] as const)("with another process that shares it: %j", async (how) => {
      const { listener } = await serve(`127.0.0.1:${await hold(...how)}`, {}, true);
      expect(listener.address).toMatchObject({ ip: "127.0.0.1" });
    });

    test.each([[["listen"]], [[]]] as const)("not with one that does not: %j", async (how) => {
      const error = await refusal(`127.0.0.1:${await hold(...how)}`, {}, true);
      expect(error).toMatchObject({ code: "listen.eaddrinuse", exit: 71 });
    });

    test("not unless it was asked for", async () => {
      expect(await refusal(`127.0.0.1:${await hold("reuse", "listen")}`)).toMatchObject({ code: "listen.eaddrinuse" });
    });
  }
});

describe("UNIX sockets", () => {
  const path = () => join(folder, "socket");

  test("serve, know no client address, and their path is removed at the end", async () => {
    const { listener, conns, notes } = await serve(`unix:${path()}`);
    const client = await connected({ path: path() });
    client.write("hello");
    await until(() => notes[0]?.text === "hello");
    expect(formatAddress(conns[0]!.remote)).toBe("unix:");
    expect(conns[0]!.local).toEqual(listener.address);
    client.destroy();
    listener.close();
    expect(existsSync(path())).toBe(false);
  });

  test("one that is left from an unclean end is replaced", async () => {
    const script = `require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
    await Bun.spawn([process.execPath, "-e", script, path()]).exited;
    expect(existsSync(path())).toBe(true);
    const { notes } = await serve(`unix:${path()}`);
    const client = await connected({ path: path() });
    client.write("anew");
    await until(() => notes[0]?.text === "anew");
    client.destroy();
  });

  test("one that another process serves stays its own", async () => {
    const server = createServer((socket) => socket.end("mine"));
    await new Promise<void>((resolve) => server.listen(path(), resolve));
    expect(await refusal(`unix:${path()}`)).toMatchObject({ code: "listen.eaddrinuse" });
    const client = await connected({ path: path() });
    expect(await new Promise((resolve) => client.on("data", (chunk: Buffer) => resolve(String(chunk))))).toBe("mine");
    server.close();
  });

  test("a file that is no socket stays where it is", async () => {
    writeFileSync(path(), "precious");
    expect(await refusal(`unix:${path()}`)).toMatchObject({ exit: 71 });
    expect(await Bun.file(path()).text()).toBe("precious");
  });

  test("a folder that does not exist", async () => {
    expect(await refusal(`unix:${join(folder, "none", "socket")}`)).toMatchObject({ exit: 71 });
  });
});

describe("inherited sockets", () => {
  test("fd:N is served", async () => {
    const script = `
      const { openListener } = await import(${JSON.stringify(join(import.meta.dir, "../../../../lib/net/listen.ts"))});
      const { KeepAlive } = await import(${JSON.stringify(join(import.meta.dir, "../../../../lib/net/keep-alive.ts"))});
      const accept = (conn) => { conn.write(Buffer.from("inherited")); conn.end(); };
      await openListener({ kind: "fd", fd: 3 }, {}, { keepAlive: new KeepAlive(0), accept });
      console.log("ready");
    `;
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const { _handle: handle } = server as unknown as { _handle: { fd: number } };
    const child = Bun.spawn([process.execPath, "-e", script], { stdio: ["ignore", "pipe", "inherit", handle.fd] });
    await child.stdout.getReader().read();
    server.close();
    const client = await connected({ port, host: "127.0.0.1" });
    expect(await new Promise((resolve) => client.on("data", (chunk: Buffer) => resolve(String(chunk))))).toBe(
      "inherited",
    );
    child.kill();
    await child.exited;
  });

  test("a name that the service manager did not pass is refused", async () => {
    expect(await refusal("systemd:socks")).toMatchObject({ code: "systemd.no_socket", exit: 78 });
  });
});

test("stdio is no place to listen on", async () => {
  expect(await refusal("stdio")).toMatchObject({ code: "listen.stdio", exit: 64 });
});

test.each([0o600, 0o660, 0o666])("a path is made with the mode %o, whatever the umask", async (mode) => {
  const path = join(folder, "socket");
  const before = process.umask(0o027);
  try {
    const options = { keepAlive: new KeepAlive(0), accept: (conn: Conn) => conn.destroy(), mode };
    open.push(await openListener({ kind: "unix", path }, {}, options));
    expect(statSync(path).mode & 0o777).toBe(mode);
    expect(process.umask()).toBe(0o027);
  } finally {
    process.umask(before);
  }
});

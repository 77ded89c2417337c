/** Clients that take their time, in every phase up to the request: the deadline cuts them, and says so. No time is asserted. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startProxy, until, type RunningProxy } from "./harness.ts";
import { connectRequest, GREETING, RawClient, socks5Request } from "./raw-client.ts";
import { expectServed } from "./served.ts";
import { listenEcho, type Upstream } from "./upstream.ts";

const ACL = "policy local { when dest.ip in [127.0.0.0/8] action allow }";
/** Of htpasswd -nbB -C 4 alice "correct horse". */
const USERS = "alice:$2y$04$yA3G955AZjSTvMtm8h216.CCNDAjLHG4YjvBX35yw7uVxkJNjVBYm\n";

setDefaultTimeout(60_000);

let echo: Upstream;
beforeAll(async () => {
  echo = await listenEcho();
});
afterAll(() => void echo.server.close());

const latin = (text: string) => Buffer.from(text, "latin1");
const long = socks5Request("a".repeat(200), 80);
const name = latin("\u0005alice");
const heads = `Host: a.example\r\nX: ${"x".repeat(400)}\r\n\r\n`;

/** `before` goes at once, `slowly` a byte at a time until the connection ends; without it the client falls silent. */
const PHASES: [phase: string, before: Uint8Array[], slowly: Uint8Array, flags?: string[]][] = [
  ["the first byte never comes", [], latin("")],
  ["the greeting stops after its version", [latin("\u0005")], latin("")],
  ["the greeting stops within its methods", [latin("\u0005\u00ff\u0000")], latin("")],
  ["a greeting of 255 methods, a byte at a time", [], Buffer.concat([latin("\u0005\u00ff"), Buffer.alloc(250)])],
  ["the request never comes", [GREETING], latin("")],
  ["the request, a byte at a time", [GREETING], long],
  ["the request stops before its port", [GREETING, long.subarray(0, -1)], latin("")],
  [
    "SOCKS4: the user id, a byte at a time",
    [latin("\u0004\u0001\u0000\u0050\u0000\u0000\u0000\u0001")],
    latin("u".repeat(250)),
  ],
  ["SOCKS4a: the name never ends", [latin("\u0004\u0001\u0000\u0050\u0000\u0000\u0000\u0001\u0000name")], latin("")],
  ["a method that never ends", [latin("CONN")], latin("")],
  ["CONNECT: the head, a byte at a time", [], latin(`CONNECT a.example:443 HTTP/1.1\r\n${heads}`)],
  [
    "CONNECT: the empty line never comes",
    [latin(`CONNECT a.example:443 HTTP/1.1\r\n${heads.slice(0, -2)}`)],
    latin(""),
  ],
  ["CONNECT: endless header lines", [latin("CONNECT a.example:443 HTTP/1.1\r\n")], latin("A: b\r\n".repeat(100))],
  ["forward: the head, a byte at a time", [], latin(`GET http://a.example/ HTTP/1.1\r\n${heads}`)],
  [
    "forward: the empty line never comes",
    [latin(`GET http://a.example/ HTTP/1.1\r\n${heads.slice(0, -2)}`)],
    latin(""),
  ],
];

describe("weakness 6.2.9: the deadline cuts a client", () => {
  test.each(PHASES)("%s", async (_, before, slowly) => {
    const proxy = await startProxy(ACL, ["--handshake-timeout", "500ms"]);
    await expectCut(proxy, before, slowly);
    expect(await proxy.drain()).toBe(0);
  });

  test.each([
    ["the password never comes", [latin("\u0005\u0001\u0002")], latin("")],
    [
      "the password, a byte at a time",
      [latin("\u0005\u0001\u0002"), latin("\u0001"), name],
      latin(`\u00ff${"p".repeat(200)}`),
    ],
  ] as [string, Uint8Array[], Uint8Array][])("%s", async (_, before, slowly) => {
    const proxy = await startWithUsers(["--handshake-timeout", "500ms"]);
    await expectCut(proxy, before, slowly);
    expect(await proxy.drain()).toBe(0);
  });
});

async function startWithUsers(flags: string[], users = USERS): Promise<RunningProxy> {
  const file = join(process.env["TMPDIR"] ?? "/tmp", `portail-users-${process.pid}-${Bun.nanoseconds()}`);
  writeFileSync(file, users);
  return startProxy(ACL, ["--users", file, ...flags]);
}

async function expectCut(proxy: RunningProxy, before: Uint8Array[], slowly: Uint8Array): Promise<void> {
  const client = await RawClient.open(proxy.port);
  for (const piece of before) client.write(piece);
  void trickle(client, slowly);
  await client.rest();
  const { reason } = await proxy.event("reject");
  expect(reason).toBe("timeout");
  expect(proxy.events("decision")).toEqual([]);
  client.end();
  await client.closed;
}

async function trickle(client: RawClient, bytes: Uint8Array): Promise<void> {
  for (let i = 0; i < bytes.length && !client.ended; i++) {
    client.write(bytes.subarray(i, i + 1));
    await Bun.sleep(20);
  }
}

test("a client that does not close after it was cut is closed all the same", async () => {
  const proxy = await startProxy(ACL, ["--handshake-timeout", "100ms"]);
  const client = await RawClient.open(proxy.port);
  await client.rest();
  expect(client.gone).toBe(false);
  await client.closed;
  expect(await proxy.drain()).toBe(0);
});

test("one that hurries is served while others dawdle", async () => {
  const proxy = await startProxy(ACL, ["--handshake-timeout", "20s"]);
  const slow = await Promise.all(PHASES.map(() => RawClient.open(proxy.port)));
  for (const [i, [, before, slowly]] of PHASES.entries()) {
    for (const piece of before) slow[i]!.write(piece);
    void trickle(slow[i]!, slowly);
  }
  await expectServed(proxy, echo);
  for (const client of slow) client.reset();
  expect(await proxy.drain()).toBe(0);
});

test("a deadline that passes while the password is checked lets no request through", async () => {
  // Of cost 13: the check outlasts the deadline.
  const users = `alice:${await Bun.password.hash("correct horse", { algorithm: "bcrypt", cost: 13 })}\n`;
  const proxy = await startWithUsers(["--handshake-timeout", "50ms"], users);
  const client = await RawClient.open(proxy.port);
  const password = latin("\u0001\u0005alice\u000dcorrect horse");
  client.write(Buffer.concat([latin("\u0005\u0001\u0002"), password, socks5Request("127.0.0.1", echo.port)]));
  expect((await proxy.event("reject")).reason).toBe("timeout");
  await client.closed;
  expect(await proxy.drain()).toBe(0);
  expect(proxy.events("decision")).toEqual([]);
});

test("what is sent while a password is checked waits with the client, not in our memory", async () => {
  const users = `alice:${await Bun.password.hash("right", { algorithm: "bcrypt", cost: 13 })}\n`;
  for (const first of [
    latin("\u0005\u0001\u0002\u0001\u0005alice\u0005wrong"),
    connectWithPassword("127.0.0.1", echo.port, "alice:wrong"),
  ]) {
    const proxy = await startWithUsers([], users);
    const client = await RawClient.open(proxy.port);
    client.write(first);
    const taken = pour(client);
    expect((await proxy.event("reject")).reason).toBe("protocol");
    client.reset();
    // The buffers of both ends in the system hold some megabytes.
    expect(await taken).toBeLessThan(24 * 1024 * 1024);
    expect(await proxy.drain()).toBe(0);
  }
});

/** Writes a gigabyte, or as much of it as is taken before the connection ends; answers the bytes that were taken. */
async function pour(client: RawClient): Promise<number> {
  const piece = Buffer.alloc(1024 * 1024);
  let taken = 0;
  for (let i = 0; i < 1024 && !client.gone; i++) {
    const room = client.socket.write(piece);
    if (!room) await Promise.race([new Promise((resolve) => client.socket.once("drain", resolve)), client.closed]);
    if (!client.gone) taken += piece.length;
  }
  return taken;
}

function connectWithPassword(host: string, port: number, credentials: string): Buffer {
  const head = connectRequest(host, port).toString();
  const field = `Proxy-Authorization: Basic ${Buffer.from(credentials).toString("base64")}\r\n`;
  return Buffer.from(head.replace("\r\n\r\n", `\r\n${field}\r\n`));
}

test("4,000 silent connections are all accepted, do not stand in the way, and are all cut", async () => {
  const proxy = await startProxy(ACL, ["--handshake-timeout", "12s"]);
  const silent: RawClient[] = [];
  while (silent.length < 4000) {
    silent.push(...(await Promise.all(Array.from({ length: 200 }, () => RawClient.open(proxy.port)))));
  }
  await expectServed(proxy, echo);
  await until(() => proxy.events("reject").length === 4000, "4,000 rejections");
  for (const { reason } of proxy.events("reject")) expect(reason).toBe("timeout");
  for (const client of silent) client.end();
  await Promise.all(silent.map((client) => client.closed));
  expect(await proxy.drain()).toBe(0);
});

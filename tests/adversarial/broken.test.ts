/** What no client should send, or should not stop sending: garbage, pieces, too much, resets. The proxy says no and goes on. */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { startProxy, until, type RunningProxy } from "./harness.ts";
import { createPrng } from "./prng.ts";
import { ask, connectRequest, GREETING, RawClient, socks5Request } from "./raw-client.ts";
import { expectServed } from "./served.ts";
import { listenEcho, type Upstream } from "./upstream.ts";

setDefaultTimeout(60_000);

const ACL = "policy local { when dest.ip in [127.0.0.0/8] action allow }";
let proxy: RunningProxy;
let echo: Upstream;

beforeEach(async () => {
  proxy = await startProxy(ACL);
  echo = await listenEcho();
});

/** Whatever happened before: the next client is served, and nothing is left open. */
afterEach(async () => {
  await expectServed(proxy, echo);
  expect(await proxy.drain()).toBe(0);
  echo.server.close();
});

const latin = (text: string) => Buffer.from(text, "latin1");
const reply = (code: number) => `\u0005${String.fromCharCode(code)}\0\u0001\0\0\0\0\0\0`;

/** What is sent, what is answered before the end, and why the audit says that it ended. */
const MESSAGES: [what: string, sent: string, answered: string, message: string][] = [
  ["a TLS ClientHello", "\u0016\u0003\u0001\u0002\u0000", "", "TLS"],
  ["an SSH banner", "SSH-2.0-OpenSSH_9.2\r\n", "", "no known protocol"],
  ["zeros", "\0\0\0\0", "", "no known protocol"],
  ["a lower-case method", "connect a.example:1 HTTP/1.1\r\n\r\n", "", "no known protocol"],
  ["a method of 40 letters", "A".repeat(40), "", "no known protocol"],
  ["no method that we take", "\u0005\u0002\u0001\u0002", "\u0005\u00ff", "authentication"],
  ["a greeting without methods", "\u0005\u0000", "\u0005\u00ff", "authentication"],
  ["a request of another version", "\u0005\u0001\0\u0004\u0001\0\u0001", `\u0005\0${reply(1)}`, "version 4"],
  ["BIND", "\u0005\u0001\0\u0005\u0002\0\u0001\u007f\0\0\u0001\0\u0050", `\u0005\0${reply(7)}`, "command 2"],
  ["UDP ASSOCIATE", "\u0005\u0001\0\u0005\u0003\0\u0001\u007f\0\0\u0001\0\u0050", `\u0005\0${reply(7)}`, "command 3"],
  [
    "an address type 2",
    "\u0005\u0001\0\u0005\u0001\0\u0002\u007f\0\0\u0001\0\u0050",
    `\u0005\0${reply(8)}`,
    "address type 2",
  ],
  [
    "a name that is not UTF-8",
    "\u0005\u0001\0\u0005\u0001\0\u0003\u0002\u00c3\u0028\0\u0050",
    `\u0005\0${reply(1)}`,
    "UTF-8",
  ],
  ["SOCKS4 BIND", "\u0004\u0002\0\u0050\u007f\0\0\u0001\0", "\0[\0\0\0\0\0\0", "command 2"],
  [
    "a SOCKS4 user id of 300 bytes",
    `\u0004\u0001\0\u0050\u007f\0\0\u0001${"u".repeat(300)}`,
    "\0[\0\0\0\0\0\0",
    "user id",
  ],
  [
    "a SOCKS4a name of 300 bytes",
    `\u0004\u0001\0\u0050\0\0\0\u0001\0${"n".repeat(300)}`,
    "\0[\0\0\0\0\0\0",
    "domain name",
  ],
  ["port 0", `\u0005\u0001\0\u0005\u0001\0\u0001\u007f\0\0\u0001\0\0`, `\u0005\0${reply(1)}`, "port 0"],
  ["an empty name", `\u0005\u0001\0\u0005\u0001\0\u0003\0\0\u0050`, `\u0005\0${reply(1)}`, "empty"],
  [
    "a name with a NUL",
    `\u0005\u0001\0\u0005\u0001\0\u0003\u0003a\0b\0\u0050`,
    `\u0005\0${reply(1)}`,
    "control character",
  ],
];

describe("a broken message is answered precisely, recorded, and ended", () => {
  test.each(MESSAGES)("%s", async (_, sent, answered, message) => {
    const client = await RawClient.open(proxy.port);
    client.write(latin(sent));
    expect((await client.rest()).toString("latin1")).toBe(answered);
    const event = await proxy.event("reject");
    expect(event.message).toContain(message);
    expect(["protocol", "bad_target"]).toContain(event.reason);
    client.end();
    await client.closed;
    expect(proxy.events("decision")).toEqual([]);
  });

  const host = "Host: a.example\r\n";
  test.each([
    ["no Host in HTTP/1.1", "CONNECT a.example:443 HTTP/1.1\r\n\r\n"],
    ["two Hosts", `CONNECT a.example:443 HTTP/1.1\r\n${host}${host}\r\n`],
    ["HTTP/2.0", `CONNECT a.example:443 HTTP/2.0\r\n${host}\r\n`],
    ["no port that exists", `CONNECT a.example:65536 HTTP/1.1\r\n${host}\r\n`],
    ["port 0", `CONNECT a.example:0 HTTP/1.1\r\n${host}\r\n`],
    ["a user in the authority", `CONNECT me@a.example:443 HTTP/1.1\r\n${host}\r\n`],
    ["a folded line", `CONNECT a.example:443 HTTP/1.1\r\n${host}X: a\r\n b\r\n\r\n`],
    ["a bare CR", `CONNECT a.example:443 HTTP/1.1\r\n${host}X: a\rb\r\n\r\n`],
    ["a NUL", `CONNECT a.example:443 HTTP/1.1\r\n${host}X: a\0b\r\n\r\n`],
    ["a space before the colon", `CONNECT a.example:443 HTTP/1.1\r\n${host}X : a\r\n\r\n`],
    ["content", `CONNECT a.example:443 HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\nhello`],
    ["chunks", `CONNECT a.example:443 HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["a head of 70 KiB in one line", `CONNECT a.example:443 HTTP/1.1\r\n${host}X: ${"x".repeat(70 * 1024)}\r\n\r\n`],
    ["a head of 70 KiB in many lines", `CONNECT a.example:443 HTTP/1.1\r\n${host}${"X: y\r\n".repeat(12 * 1024)}\r\n`],
    ["a head that goes on and on", `CONNECT a.example:443 HTTP/1.1\r\n${"X: y\r\n".repeat(20 * 1024)}`],
    ["a target in origin form", `GET / HTTP/1.1\r\n${host}\r\n`],
    ["a target with another scheme", `GET ftp://a.example/ HTTP/1.1\r\n${host}\r\n`],
    ["a target with a user", `GET http://me@a.example/ HTTP/1.1\r\n${host}\r\n`],
    ["a forward head of 70 KiB", `GET http://a.example/ HTTP/1.1\r\n${host}X: ${"x".repeat(70 * 1024)}\r\n\r\n`],
    ["two lengths", `POST http://a.example/ HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
    [
      "a length and chunks",
      `POST http://a.example/ HTTP/1.1\r\n${host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
  ])("HTTP: %s → 400", async (_, sent) => {
    const client = await RawClient.open(proxy.port);
    client.write(latin(sent));
    const head = (await client.readThrough("\r\n\r\n")).toString("latin1");
    expect(head).toStartWith("HTTP/1.1 400 Bad Request\r\n");
    expect(head).toMatch(/\r\nproxy-status: portail; error=http_request_error\r\n/i);
    await proxy.event("reject");
    client.end();
    await client.closed;
    expect(proxy.events("decision")).toEqual([]);
  });
});

describe("a reset in any place leaves nothing behind", () => {
  const dialogues: [string, () => Buffer[]][] = [
    ["socks5", () => [Buffer.from(GREETING), socks5Request("127.0.0.1", echo.port), latin("payload")]],
    ["connect", () => [connectRequest("127.0.0.1", echo.port), latin("payload")]],
    ["forward", () => [latin(`GET http://127.0.0.1:${echo.port}/ HTTP/1.1\r\nHost: x\r\n\r\n`)]],
  ];
  test.each(dialogues)("%s", async (_, pieces) => {
    const whole = Buffer.concat(pieces());
    for (let length = 0; length <= whole.length; length += 3) {
      const client = await RawClient.open(proxy.port);
      if (length > 0) client.write(whole.subarray(0, length));
      // At times with the bytes, at times after they were taken.
      if (length % 2 === 0) await Bun.sleep(1);
      client.reset();
      await client.closed;
    }
  });

  test.each(dialogues)("%s, with an end in place of the reset", async (_, pieces) => {
    const whole = Buffer.concat(pieces());
    for (let length = 0; length < whole.length - "payload".length; length += 3) {
      const client = await RawClient.open(proxy.port);
      if (length > 0) client.write(whole.subarray(0, length));
      client.end();
      await client.closed;
    }
  });
});

test("garbage of any length and beginning is never a request", async () => {
  const random = createPrng();
  for (let round = 0; round < 300; round++) {
    const bytes = random.bytes(1 + random.below(600));
    const first = [5, 4, 0x16, 0x43, 0x47, bytes[0]!][round % 6]!;
    bytes[0] = first;
    const client = await RawClient.open(proxy.port);
    client.write(bytes);
    client.end();
    await client.closed;
  }
  const targets = proxy.events("decision").map(({ target }) => target);
  // A SOCKS request may come about by chance, but only one that was in the bytes.
  expect(targets.length, `seed ${random.seed}`).toBeLessThan(10);
});

test("a tunnel passes garbage through as it is", async () => {
  const bytes = createPrng(7).bytes(100_000);
  const { client } = await ask("connect", proxy.port, "127.0.0.1", echo.port);
  client.write(bytes);
  expect((await client.read(bytes.length)).equals(bytes)).toBe(true);
  client.end();
  await client.closed;
});

test("rejections of many clients at once are all recorded", async () => {
  const clients = await Promise.all(Array.from({ length: 200 }, () => RawClient.open(proxy.port)));
  for (const client of clients) client.write("?");
  await Promise.all(clients.map((client) => client.rest()));
  await until(() => proxy.events("reject").length === 200, "200 rejections");
  for (const client of clients) client.end();
  await Promise.all(clients.map((client) => client.closed));
});

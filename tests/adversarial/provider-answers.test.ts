/** A web service that answers with anything but HTTP and JSON: split, broken off, endless, slow, reset. Its facts are missing, nothing is left open. */
import { createServer, type Server, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Logger } from "../../lib/command/log.ts";
import { Cache, type CacheLimits } from "../../lib/context/cache.ts";
import { ProviderCounts, Report, type TroubleKind } from "../../lib/context/counts.ts";
import { NOTHING, parseTarget, type Target } from "../../lib/context/targets.ts";
import { UrlTemplate } from "../../lib/context/url-template.ts";
import { WebSource } from "../../lib/context/web-source.ts";
import { until } from "./harness.ts";

setDefaultTimeout(60_000);

const BODY = '{"name":"Ada"}';
const FOUND = { "user.name": "Ada" };
const head = (...fields: string[]) => ["HTTP/1.1 200 OK", ...fields, "", ""].join("\r\n");
const GOOD = head("Content-Type: application/json", `Content-Length: ${BODY.length}`) + BODY;
const CHUNKED = `${head("Transfer-Encoding: chunked")}5\r\n${BODY.slice(0, 5)}\r\n${(BODY.length - 5).toString(16)}\r\n${BODY.slice(5)}\r\n0\r\n\r\n`;
const MOST = 1000;

let answer: (socket: Socket, request: string) => void;
let server: Server;
let port = 0;
const open = new Set<Socket>();

beforeAll(async () => {
  server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on("error", () => {}).on("close", () => open.delete(socket));
    socket.on("end", () => socket.destroy());
    let request = "";
    socket.on("data", (chunk) => {
      request += chunk.toString("latin1");
      if (request.endsWith("\r\n\r\n")) answer(socket, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as { port: number }).port;
});
afterAll(() => {
  for (const socket of open) socket.destroy();
  server.close();
});

function provider(limits: Partial<CacheLimits> = {}) {
  const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, writes: () => true, configure() {} };
  const report = new Report("p", new ProviderCounts(), log);
  const url = UrlTemplate.parse(`http://127.0.0.1:${port}/{client.user}`, ["client.user"]) as UrlTemplate;
  const targets = [parseTarget("user.name = /name", false) as Target];
  const all = { ttl: 0, negativeTtl: 0, stale: 0, timeout: 400, entries: 10, outstanding: 10, ...limits };
  const plan = { url, targets, answers: "json", most: MOST, timeout: all.timeout } as const;
  const resolve = () => Promise.reject(new Error("no name is resolved here"));
  const cache = new Cache(
    new WebSource(plan, { headers: { "X-Api-Key": "secret" }, tls: undefined }, resolve, report),
    all,
    report,
  );
  return { lookup: (key: string) => cache.lookup({ values: [key], text: key }), counts: report.counts };
}

/** Nothing of ours stays open. */
const allGone = () => until(() => open.size === 0, "the connections to be closed");

test("what it is asked", async () => {
  let asked = "";
  answer = (socket, request) => {
    asked = request;
    socket.end(GOOD);
  };
  expect(await provider().lookup("ada b")).toEqual(FOUND);
  expect(asked.split("\r\n").filter((line) => line !== "")).toEqual([
    "GET /ada%20b HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "Accept: application/json",
    "Accept-Encoding: identity",
    "X-Api-Key: secret",
    "Connection: close",
  ]);
  await allGone();
});

test.each([
  ["a length", GOOD],
  ["chunks", CHUNKED],
  ["the end of the connection", head() + BODY],
  ["HTTP/1.0", `HTTP/1.0 200 OK\r\n\r\n${BODY}`],
  ["a word ahead", `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${GOOD}`],
])("a good answer that ends by %s, at every split", async (_what, text) => {
  const { lookup } = provider();
  for (let at = 1; at < text.length; at += text.length > 200 ? 3 : 1) {
    answer = (socket) => {
      socket.write(text.slice(0, at));
      setTimeout(() => socket.end(text.slice(at)), 1);
    };
    expect({ at, found: await lookup(`u${at}`) }).toEqual({ at, found: FOUND });
  }
  await allGone();
});

/** `any` says nothing of the class: how it is wrong is for the parser to say. */
const WRONG: [what: string, speak: (socket: Socket) => void, kind: TroubleKind | "any"][] = [
  ["nothing, and the end", (socket) => void socket.end(), "down"],
  ["nothing at all", () => {}, "timeout"],
  ["a reset", (socket) => void socket.resetAndDestroy(), "down"],
  ["garbage", (socket) => void socket.end(Buffer.alloc(300, 0xff)), "any"],
  ["another protocol", (socket) => void socket.end("SSH-2.0-OpenSSH_9.2\r\n"), "any"],
  ["half a head", (socket) => void socket.end(GOOD.slice(0, 30)), "down"],
  ["a body that breaks off", (socket) => void socket.end(GOOD.slice(0, -3)), "down"],
  ["a body that is reset", (socket) => void socket.write(GOOD.slice(0, -3), () => socket.resetAndDestroy()), "down"],
  ["chunks that break off", (socket) => void socket.end(CHUNKED.slice(0, -5)), "down"],
  [
    "chunks of no size",
    (socket) => void socket.end(`${head("Transfer-Encoding: chunked")}xyz\r\n${BODY}\r\n0\r\n\r\n`),
    "any",
  ],
  ["two lengths", (socket) => void socket.end(head("Content-Length: 14", "Content-Length: 15") + BODY), "any"],
  ["a length and chunks", (socket) => void socket.end(CHUNKED.replace("\r\n", "\r\nContent-Length: 3\r\n")), "any"],
  ["a negative length", (socket) => void socket.end(head("Content-Length: -1") + BODY), "any"],
  ["a status of no sense", (socket) => void socket.end(GOOD.replace("200", "20")), "any"],
  [
    "a switch of protocols",
    (socket) => void socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
    "down",
  ],
  ["a head without an end", (socket) => drip(socket, "HTTP/1.1 200 OK\r\n", `X: ${"y".repeat(30_000)}\r\n`), "down"],
  ["a head in drops", (socket) => drip(socket, GOOD.slice(0, 20), "x"), "timeout"],
  ["a body in drops", (socket) => drip(socket, head("Content-Length: 900"), "{"), "timeout"],
  ["a body without an end", (socket) => drip(socket, head(), "x".repeat(500)), "size"],
  [
    "a chunked body without an end",
    (socket) => drip(socket, head("Transfer-Encoding: chunked"), `ff\r\n${"x".repeat(255)}\r\n`),
    "size",
  ],
  [
    "words ahead without an end",
    (socket) => drip(socket, "", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
    "timeout",
  ],
  [
    "a body that claims to be huge",
    (socket) => void socket.end(`${head("Content-Length: 9007199254740991")}${"x".repeat(2000)}`),
    "size",
  ],
  ["a body that is packed", (socket) => void socket.end(packed()), "syntax"],
  ["a body of nested brackets", (socket) => void socket.end(head() + "[".repeat(900)), "syntax"],
  [
    "no UTF-8",
    (socket) => void socket.end(Buffer.concat([Buffer.from(head()), Uint8Array.of(0x22, 0xc0, 0x80, 0x22)])),
    "syntax",
  ],
  ["a byte order mark", (socket) => void socket.end(`${head()}\ufeff${BODY}`), "syntax"],
  ["two documents", (socket) => void socket.end(head() + BODY + BODY), "syntax"],
];

/** `first`, and then `piece` again and again, a few milliseconds apart. */
function drip(socket: Socket, first: string, piece: string): void {
  socket.write(first);
  const timer = setInterval(() => socket.write(piece), 5);
  socket.on("close", () => clearInterval(timer));
}

function packed(): Buffer {
  const body = gzipSync(`{"name":"${"A".repeat(10_000_000)}"}`).subarray(0, MOST - 10);
  return Buffer.concat([Buffer.from(head("Content-Encoding: gzip", `Content-Length: ${body.length}`)), body]);
}

test.each(WRONG)("%s: the facts are missing", async (_what, speak, kind) => {
  answer = speak;
  const { lookup, counts } = provider();
  expect(await lookup("ada")).toBe(NOTHING);
  const told = Object.entries(counts.troubles).filter(([, count]) => count > 0);
  expect(told.length).toBe(1);
  expect(told[0]![1]).toBe(1);
  if (kind !== "any") expect(told[0]![0]).toBe(kind);
  await allGone();
});

test("after all of it a good answer counts", async () => {
  answer = (socket) => void socket.end(GOOD);
  expect(await provider().lookup("ada")).toEqual(FOUND);
});

test("many at a time, each its own answer", async () => {
  answer = (socket, request) => {
    const [, name] = /^GET \/(\S+)/.exec(request) ?? [];
    const body = JSON.stringify({ name });
    setTimeout(() => socket.end(head(`Content-Length: ${body.length}`) + body), Number(name!.slice(1)) % 7);
  };
  const { lookup } = provider({ outstanding: 200, timeout: 20_000, entries: 1000 });
  const names = Array.from({ length: 200 }, (_, i) => `u${i}`);
  expect(await Promise.all(names.map((name) => lookup(name)))).toEqual(names.map((name) => ({ "user.name": name })));
  await allGone();
});

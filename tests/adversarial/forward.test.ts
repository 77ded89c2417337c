/** Forward requests of clients and answers of servers that do not keep to the usual course. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { startProxy, until } from "./harness.ts";
import { RawClient } from "./raw-client.ts";
import { listen } from "./upstream.ts";

setDefaultTimeout(60_000);

const ACL = "policy local { when dest.ip in [127.0.0.0/8] action allow }";

/** Answers with what it got, as a web server that closes does. */
const answering = () =>
  listen((socket) => {
    socket.once("data", (chunk: Buffer) => {
      const path = /^GET (\S+) /.exec(chunk.toString("latin1"))?.[1] ?? "?";
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\nConnection: close\r\n\r\n${path}`);
    });
  });
const get = (port: number, path: string, last = false) =>
  `GET http://127.0.0.1:${port}${path} HTTP/1.1\r\nHost: x\r\n${last ? "Connection: close\r\n" : ""}\r\n`;

test("a client that ends at once behind its request still gets its answer", async () => {
  const upstream = await answering();
  const proxy = await startProxy(ACL);
  const client = await RawClient.open(proxy.port);
  client.write(get(upstream.port, "/half-closed"));
  client.end();
  const answer = (await client.rest()).toString();
  expect(answer).toStartWith("HTTP/1.1 200 OK\r\n");
  expect(answer).toEndWith("/half-closed");
  expect(await proxy.drain()).toBe(0);
  upstream.server.close();
});

test("requests in a row, sent at once, are answered in their order", async () => {
  const upstream = await answering();
  const proxy = await startProxy(ACL);
  const client = await RawClient.open(proxy.port);
  client.write(get(upstream.port, "/one") + get(upstream.port, "/two") + get(upstream.port, "/three", true));
  const answer = (await client.rest()).toString();
  expect(answer.match(/\/(one|two|three)/g)).toEqual(["/one", "/two", "/three"]);
  client.end();
  await client.closed;
  await until(() => proxy.events("close").length === 3, "three ends");
  expect(proxy.events("decision")).toHaveLength(3);
  expect(await proxy.drain()).toBe(0);
  upstream.server.close();
});

test("the head goes out ahead of its content: the server may answer before there is any", async () => {
  const upstream = await answering();
  const proxy = await startProxy(ACL);
  const client = await RawClient.open(proxy.port);
  client.write(get(upstream.port, "/early").replace("Host: x", "Host: x\r\nContent-Length: 1000000"));
  expect((await client.readThrough("/early")).toString()).toStartWith("HTTP/1.1 200 ");
  client.reset();
  await client.closed;
  expect(await proxy.drain()).toBe(0);
  upstream.server.close();
});

test.each([
  "X-Plain: yes",
  "Content-Length: 5",
  "Transfer-Encoding: chunked",
  "Content-Length: 5\r\nExpect: 100-continue",
])("bytes beyond ASCII in fields arrive as they were sent, with %j", async (field) => {
  const got: Buffer[] = [];
  const upstream = await listen((socket) => socket.on("data", (chunk: Buffer) => void got.push(chunk)));
  const proxy = await startProxy(ACL);
  const client = await RawClient.open(proxy.port);
  const head = get(upstream.port, "/").replace("Host: x", `Host: x\r\n${field}\r\nX-A: \u00e9`);
  client.write(Buffer.from(head, "latin1"));
  const seen = await until(() => {
    const text = Buffer.concat(got).toString("latin1");
    return text.includes("\r\n\r\n") && text;
  }, "the head");
  expect(seen).toContain("\r\nX-A: \u00e9\r\n");
  client.reset();
  await proxy.stop();
  upstream.server.close();
});

test("a target beyond ASCII is none", async () => {
  const proxy = await startProxy(ACL);
  const client = await RawClient.open(proxy.port);
  client.write(Buffer.from(get(1, "/\u00e9"), "latin1"));
  expect((await client.rest()).toString()).toStartWith("HTTP/1.1 400 ");
  client.end();
  await client.closed;
  expect(await proxy.drain()).toBe(0);
});

test("each request is decided anew", async () => {
  const upstream = await answering();
  const proxy = await startProxy(`policy no { when path == "/no" action deny }\n${ACL}`);
  const client = await RawClient.open(proxy.port);
  client.write(get(upstream.port, "/yes"));
  expect((await client.readThrough("/yes")).toString()).toStartWith("HTTP/1.1 200 ");
  client.write(get(upstream.port, "/no"));
  expect((await client.readThrough("\r\n\r\n")).toString()).toStartWith("HTTP/1.1 403 ");
  client.end();
  await client.rest();
  await client.closed;
  expect(await proxy.drain()).toBe(0);
  upstream.server.close();
});

test.each(["GET", "POST", "DELETE", "HEAD"])("a body is never a second request: %s", async (method) => {
  const got: Buffer[] = [];
  const upstream = await listen((socket) => socket.on("data", (chunk: Buffer) => void got.push(chunk)));
  const proxy = await startProxy(ACL);
  const body = "GET /undecided HTTP/1.1\r\nHost: x\r\n\r\n";
  const client = await RawClient.open(proxy.port);
  client.write(
    `${method} http://127.0.0.1:${upstream.port}/ HTTP/1.1\r\nHost: x\r\nConnection: content-length\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
  // It is refused, or arrives with a length or in chunks.
  await until(() => client.ended || Buffer.concat(got).includes("undecided"), "an outcome");
  const [head = "", rest = ""] = Buffer.concat(got)
    .toString()
    .split(/\r\n\r\n([^]*)/);
  if (rest !== "") expect(head.toLowerCase()).toMatch(/\r\n(content-length: \d+|transfer-encoding: chunked)/);
  client.reset();
  await proxy.stop();
  upstream.server.close();
});

test("an answer that breaks off is not made to look whole", async () => {
  const upstream = await listen((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf", () => socket.destroy());
  });
  const proxy = await startProxy(ACL);
  const client = await RawClient.open(proxy.port);
  client.write(get(upstream.port, "/"));
  const answer = (await client.rest()).toString();
  // Nothing of the answer, or not all of it.
  expect(answer).not.toMatch(/\r\n\r\n[^]{1000}$/);
  client.end();
  await client.closed;
  expect(await proxy.event("close")).toMatchObject({ reason: expect.not.stringMatching(/^done$/) });
  expect(await proxy.drain()).toBe(0);
  upstream.server.close();
});

test.each([
  ["a status below 100", "HTTP/1.1 099 Low\r\nContent-Length: 2\r\n\r\nok"],
  ["a control character in the reason", "HTTP/1.1 200 O\u0001K\r\nContent-Length: 2\r\n\r\nok"],
  ["a control character in a field", "HTTP/1.1 200 OK\r\nX: a\u0001b\r\nContent-Length: 2\r\n\r\nok"],
  ["a coding that is not undone", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok"],
  ["bytes of no protocol", "\u0000\u0001\u0002\r\n\r\n"],
])("an answer with %s hurts nobody", async (_, bytes) => {
  const upstream = await listen((socket) => void socket.end(bytes));
  const good = await answering();
  const proxy = await startProxy(ACL);
  const client = await RawClient.open(proxy.port);
  client.write(get(upstream.port, "/", true));
  const answer = (await client.rest()).toString("latin1");
  expect(answer).toMatch(/^HTTP\/1\.1 (200|502) /);
  expect(answer).not.toContain("\u0001");
  const next = await RawClient.open(proxy.port);
  next.write(get(good.port, "/still-here", true));
  expect((await next.rest()).toString()).toEndWith("/still-here");
  client.end();
  next.end();
  expect(await proxy.drain()).toBe(0);
  upstream.server.close();
  good.server.close();
});

test("a large answer to a slow client is whole", async () => {
  const body = Buffer.alloc(16 * 1024 * 1024, "0123456789");
  const upstream = await listen((socket) => {
    socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`), body]));
  });
  const proxy = await startProxy(ACL);
  const client = await RawClient.open(proxy.port);
  client.socket.pause();
  client.write(get(upstream.port, "/", true));
  await proxy.event("decision");
  await Bun.sleep(200);
  client.socket.resume();
  await client.readThrough("\r\n\r\n");
  expect((await client.rest()).equals(body)).toBe(true);
  client.end();
  await client.closed;
  expect(await proxy.drain()).toBe(0);
  upstream.server.close();
});

test.each([
  ["that keeps its connection", false],
  ["that asks for the end", true],
])("an answer waits for a client %s and reads later than a next request would be due", async (_, last) => {
  const body = Buffer.alloc(16 * 1024 * 1024, "0123456789");
  const upstream = await listen((socket) => {
    socket.end(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`), body]));
  });
  const proxy = await startProxy(ACL, ["--handshake-timeout", "300ms"]);
  const client = await RawClient.open(proxy.port);
  client.socket.pause();
  client.write(get(upstream.port, "/", last));
  await proxy.event("decision");
  await Bun.sleep(1500);
  client.socket.resume();
  await client.readThrough("\r\n\r\n");
  expect((await client.read(body.length)).equals(body)).toBe(true);
  client.end();
  await client.closed;
  expect(await proxy.drain()).toBe(0);
  upstream.server.close();
});

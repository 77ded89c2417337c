/** What of a request reaches the storage, byte for byte: paths of every spelling, fields, connections; and what never does. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeSodiumObject } from "../../support/sodium-object.ts";
import { RawClient } from "../raw-client.ts";
import { field, headOf, newName, startGateway, type Gateway } from "./gateway.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway([
    "--handshake-timeout",
    "500ms",
    "--keep-alive-timeout",
    "300ms",
    "--max-header-size",
    "4K",
  ]);
});
afterAll(() => gateway.stop());

const EMPTY = "HTTP/1.1 204 No Content\r\n\r\n";

/** What the storage gets of a request, and what the client gets of its answer. */
async function pass(request: string, answer = `${EMPTY}`): Promise<{ asked: string[]; head: string[] }> {
  const client = await RawClient.open(gateway.port);
  client.write(Buffer.from(request, "latin1"));
  const storage = await gateway.storage.next();
  const asked = await headOf(storage);
  storage.write(answer);
  storage.end();
  const head = await headOf(client);
  client.end();
  await client.closed;
  await storage.closed;
  return { asked, head };
}

describe("a path goes to the storage as it was written", () => {
  test.each([
    "/etc/passwd",
    "//evil.example/x",
    "../../secret",
    "..",
    "a/../../b",
    "%2e%2e/%2e%2e/secret",
    "%2E%2e%2fsecret",
    ".%2e/x",
    "%252e%252e/secret",
    "..%5c..%5csecret",
    "..\\..\\secret",
    "a/./b//c/",
    "a%00b",
    "a;v=1/b",
    "a%zz",
    "a?b=../c&d=%2e%2e//e?f",
    "a?",
    "?prefix=a%20b+c",
    "http://evil.example/",
    "@evil.example/",
    ":80/x",
  ])("%j", async (rest) => {
    for (const method of ["GET", "DELETE"]) {
      const { asked } = await pass(`${method} /upstream/${rest} HTTP/1.1\r\nHost: a\r\n\r\n`);
      expect(asked[0]).toBe(`${method} /jail/${rest} HTTP/1.1`);
      expect(field(asked, "host")).toBe(`127.0.0.1:${gateway.storage.port}`);
    }
  });

  test("of an upload too", async () => {
    const client = await RawClient.open(gateway.port);
    client.write("PUT /upstream/../%2e%2e/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    const storage = await gateway.storage.next();
    expect((await headOf(storage))[0]).toBe("PUT /jail/../%2e%2e/x HTTP/1.1");
    client.reset();
    await storage.rest();
  });
});

describe("no part of a request is for another", () => {
  test.each([
    ["a length and chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "HTTP/1.1 400 Bad Request"],
    ["two lengths", "Content-Length: 5\r\nContent-Length: 6\r\n", "HTTP/1.1 400 Bad Request"],
    ["a length that is a list", "Content-Length: 5, 5\r\n", "HTTP/1.1 400 Bad Request"],
    ["a length with a sign", "Content-Length: +5\r\n", "HTTP/1.1 400 Bad Request"],
    ["an unknown coding", "Transfer-Encoding: gzip, chunked\r\n", "HTTP/1.1 501 Not Implemented"],
    ["a coding that is none", "Transfer-Encoding: xchunked\r\n", undefined],
    ["a space before the colon", "Transfer-Encoding : chunked\r\n", "HTTP/1.1 400 Bad Request"],
    ["a folded line", "X-A: b\r\n c\r\n", undefined],
    ["a field without a name", ": b\r\n", "HTTP/1.1 400 Bad Request"],
    ["two hosts", "Host: b\r\n", "HTTP/1.1 400 Bad Request"],
    ["a head of more than 4 KiB", `X-A: ${"a".repeat(5000)}\r\n`, "HTTP/1.1 400 Bad Request"],
  ])("%s", async (_, lines, status) => {
    const before = gateway.storage.opened;
    const client = await RawClient.open(gateway.port);
    const smuggled = "GET /upstream/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    client.write(`PUT /upstream/${newName()} HTTP/1.1\r\nHost: a\r\n${lines}\r\n0\r\n\r\n${smuggled}`);
    const [first] = await headOf(client);
    if (status === undefined) expect(first ?? "HTTP/1.1 400 ").toMatch(/^HTTP\/1\.1 (?:400|501) /);
    else expect(first).toBe(status);
    client.end();
    await client.rest();
    expect(gateway.storage.opened).toBe(before);
  });

  test("HTTP/1.0 with chunks", async () => {
    const client = await RawClient.open(gateway.port);
    client.write("PUT /upstream/x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    expect((await headOf(client))[0]).toBe("HTTP/1.1 400 Bad Request");
    client.end();
  });

  test("a request without a host", async () => {
    const client = await RawClient.open(gateway.port);
    client.write("GET /upstream/x HTTP/1.1\r\n\r\n");
    expect((await headOf(client))[0]).toBe("HTTP/1.1 400 Bad Request");
    client.end();
  });

  test.each(["CONNECT evil.example:80", "GET http://evil.example/upstream/x", "GET upstream/x", "OPTIONS *"])(
    "%s leads nowhere",
    async (line) => {
      const before = gateway.storage.opened;
      const client = await RawClient.open(gateway.port);
      client.write(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const first = (await client.some()).toString("latin1");
      expect(first === "" || /^HTTP\/1\.1 40[04] /.test(first)).toBe(true);
      client.end();
      expect(gateway.storage.opened).toBe(before);
    },
  );

  test("an upgrade is not one", async () => {
    const before = gateway.storage.opened;
    const client = await RawClient.open(gateway.port);
    client.write("GET /upstream/x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    expect((await client.rest()).length).toBe(0);
    expect(gateway.storage.opened).toBe(before);
  });
});

describe("fields", () => {
  test("that are for one connection, or for us, do not travel on", async () => {
    const lines = [
      "Connection: close, X-Hop",
      "X-Hop: a",
      "Keep-Alive: timeout=5",
      "Proxy-Authorization: Basic eA==",
      "TE: trailers",
      "Range: bytes=0-1",
      "If-Match: abc",
      "Accept-Encoding: gzip",
      "X-Object-Meta-S3crypt: forged",
      "X-Auth-Token: token",
      "X-Object-Meta-Colour: blue",
      "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT",
    ];
    const { asked } = await pass(`GET /upstream/x HTTP/1.1\r\nHost: a\r\n${lines.join("\r\n")}\r\n\r\n`);
    const names = asked.slice(1).map((line) => line.slice(0, line.indexOf(":")).toLowerCase());
    expect(names.toSorted()).toEqual([
      "accept-encoding",
      "connection",
      "host",
      "if-modified-since",
      "range",
      "via",
      "x-auth-token",
      "x-object-meta-colour",
    ]);
    expect(field(asked, "accept-encoding")).toBe("identity");
    // A look at the beginning, whatever was asked for.
    expect(field(asked, "range")).toBe("bytes=0-215");
  });

  test("of the storage's bytes do not come back, and what is kept beside an object is not shown", async () => {
    const key = gateway.keys.get(1n)!;
    const object = writeSodiumObject({ key, keyId: 1n, plain: Buffer.from("hello"), final: true });
    const fields = `ETag: "c"\r\nContent-MD5: c\r\nX-Object-Meta-S3crypt: 1.1.AAAA\r\nX-Object-Meta-Colour: blue`;
    const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${object.length}\r\n${fields}\r\nConnection: X-Gone\r\nX-Gone: a\r\n\r\n`;
    const client = await RawClient.open(gateway.port);
    client.write("GET /upstream/x HTTP/1.1\r\nHost: a\r\n\r\n");
    const storage = await gateway.storage.next();
    await headOf(storage);
    storage.write(Buffer.concat([Buffer.from(answer), object]));
    const head = await headOf(client);
    for (const name of ["etag", "content-md5", "x-object-meta-s3crypt", "x-gone"])
      expect(field(head, name)).toBeUndefined();
    expect([field(head, "content-length"), field(head, "x-object-meta-colour")]).toEqual(["5", "blue"]);
    expect((await client.read(5)).toString()).toBe("hello");
    client.end();
    storage.end();
    await storage.closed;
  });

  test("with dates are for the storage to judge, but beside a tag", async () => {
    const date = "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT";
    for (const method of ["GET", "HEAD"]) {
      const not = 'HTTP/1.1 304 Not Modified\r\nETag: "c"\r\n\r\n';
      const first = await pass(`${method} /upstream/x HTTP/1.1\r\nHost: a\r\n${date}\r\n\r\n`, not);
      expect(field(first.asked, "if-modified-since")).toBeDefined();
      expect([first.head[0], field(first.head, "etag")]).toEqual(["HTTP/1.1 304 Not Modified", undefined]);
      const tagged = `${method} /upstream/x HTTP/1.1\r\nHost: a\r\n${date}\r\nIf-None-Match: "a"\r\n\r\n`;
      expect(field((await pass(tagged)).asked, "if-modified-since")).toBeUndefined();
    }
  });

  test("that are UTF-8 come back as they were", async () => {
    const { head } = await pass(
      "HEAD /upstream/v1/ HTTP/1.1\r\nHost: a\r\n\r\n",
      "HTTP/1.1 204 No Content\r\nX-Container-Meta-Name: h\u00e9\r\n\r\n",
    );
    expect(field(head, "x-container-meta-name")).toBe(Buffer.from("h\u00e9").toString("latin1"));
  });
});

describe("connections", () => {
  const ask = (client: RawClient, method: string, more = "") =>
    client.write(`${method} /upstream/x HTTP/1.1\r\nHost: a\r\n${more}\r\n`);

  /** The heads of a request, as the storage has it, and of the answer, as the client has it. */
  async function answer(storage: RawClient, client: RawClient): Promise<[asked: string[], answered: string[]]> {
    const asked = await headOf(storage);
    storage.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    return [asked, await headOf(client)];
  }

  /** A client that has had one answer, and the connection to the storage over which it came. */
  async function answered() {
    const client = await RawClient.open(gateway.port);
    ask(client, "GET");
    const first = await gateway.storage.next();
    await answer(first, client);
    return { client, first };
  }

  async function answeredBySecond(client: RawClient, method: string): Promise<void> {
    const second = await gateway.storage.next();
    const [asked, answered] = await answer(second, client);
    expect([asked[0], answered[0]]).toEqual([`${method} /jail/x HTTP/1.1`, "HTTP/1.1 200 OK"]);
    client.end();
    second.end();
    await second.closed;
  }

  test("to the storage are used again, and a read goes twice over one that is gone", async () => {
    const { client, first } = await answered();
    ask(client, "GET");
    await answer(first, client);
    ask(client, "GET");
    await headOf(first);
    first.end();
    await answeredBySecond(client, "GET");
  });

  test("that are gone carry no upload, which is not sent twice", async () => {
    const { client, first } = await answered();
    const before = gateway.storage.opened;
    ask(client, "PUT", "Content-Length: 5\r\n");
    client.write("hello");
    await headOf(first);
    first.end();
    expect((await headOf(client))[0]).toBe("HTTP/1.1 502 Bad Gateway");
    expect(gateway.storage.opened).toBe(before);
    client.end();
  });

  test("that the storage ends while they rest are not used", async () => {
    const { client, first } = await answered();
    first.end();
    await first.closed;
    ask(client, "PUT", "Content-Length: 5\r\n");
    client.write("hello");
    await answeredBySecond(client, "PUT");
  });

  test("with requests that do not wait for answers have their answers in order", async () => {
    const client = await RawClient.open(gateway.port);
    for (const name of ["one", "two", "three"]) client.write(`GET /upstream/${name} HTTP/1.1\r\nHost: a\r\n\r\n`);
    for (const name of ["one", "two", "three"]) {
      const storage = await gateway.storage.next();
      expect((await headOf(storage))[0]).toBe(`GET /jail/${name} HTTP/1.1`);
      const body = `this is ${name}`;
      storage.write(`HTTP/1.1 404 Not Found\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`);
      storage.end();
    }
    for (const name of ["one", "two", "three"]) {
      const length = Number(field(await headOf(client), "content-length"));
      expect((await client.read(length)).toString()).toBe(`this is ${name}`);
    }
    client.end();
  });

  test("of which the client has ended its direction still get the answer", async () => {
    const client = await RawClient.open(gateway.port);
    ask(client, "GET");
    client.end();
    const storage = await gateway.storage.next();
    await headOf(storage);
    storage.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    storage.end();
    expect((await client.rest()).toString()).toEndWith("\r\n\r\nhello");
  });

  test("of clients that do not state their request are closed", async () => {
    const client = await RawClient.open(gateway.port);
    client.write("GET /upstream/x HTTP/1.1\r\nHo");
    expect((await client.rest()).length).toBe(0);
  });

  test("of clients that rest for too long are closed", async () => {
    const client = await RawClient.open(gateway.port);
    client.write("GET /ping HTTP/1.1\r\nHost: a\r\n\r\n");
    expect((await client.rest()).toString()).toEndWith("\r\n\r\n{}");
  });
});

test("100 Continue is said when the content is wanted, and a refusal in its place ends the connection", async () => {
  const wanted = await RawClient.open(gateway.port);
  wanted.write("PUT /upstream/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  expect(await headOf(wanted)).toEqual(["HTTP/1.1 100 Continue"]);
  wanted.write("hello");
  const storage = await gateway.storage.next();
  expect(field(await headOf(storage), "expect")).toBeUndefined();
  storage.write("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  storage.end();
  expect((await headOf(wanted))[0]).toBe("HTTP/1.1 201 Created");
  wanted.end();

  const refused = await RawClient.open(gateway.port);
  refused.write("PATCH /upstream/x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  const head = await headOf(refused);
  expect([head[0], field(head, "connection")]).toEqual(["HTTP/1.1 501 Not Implemented", "close"]);
  await refused.rest();
  expect(refused.failure).toBeUndefined();
});

/** Uploads that go wrong on either side: nothing partial becomes an object, the client learns of it, and the audit says what happened. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { content } from "../../support/web.ts";
import { readSodiumObject } from "../../support/sodium-object.ts";
import { RawClient } from "../raw-client.ts";
import { field, headOf, newName, startGateway, stillness, type Gateway } from "./gateway.ts";

const SIZE = 300_000;
const BYTES = content(SIZE);
const SEALED = 80 + SIZE + 17 * Math.ceil(SIZE / 16_384);

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway(["--backend-response-timeout", "300ms", "--idle-timeout", "0"]);
});
afterAll(() => gateway.stop());

/** Of the last upload. */
let name = "";

/** A client that has sent the head of an upload. */
async function upload(...fields: string[]): Promise<RawClient> {
  const client = await RawClient.open(gateway.port);
  name = newName();
  client.write(`PUT /upstream/${name} HTTP/1.1\r\nHost: a\r\n${fields.map((line) => `${line}\r\n`).join("")}\r\n`);
  return client;
}

/** Records of clients that came to no request. */
const rejected = () => gateway.runtime.lines.filter((line) => line.startsWith("debug rejected"));

const LENGTH = `Content-Length: ${SIZE}`;

describe("a client that dies within its content", () => {
  test.each(["end", "reset"] as const)("by %s leaves an upload without its end", async (how) => {
    const client = await upload(LENGTH);
    client.write(BYTES.subarray(0, 200_000));
    const storage = await gateway.storage.next();
    expect(field(await headOf(storage), "content-length")).toBe(String(SEALED));
    await storage.read(100_000);
    client[how]();
    const got = 100_000 + (await storage.rest()).length;
    expect(got).toBeLessThan(SEALED);
    const { outcome, status, error } = await gateway.line(name);
    expect([outcome, status, error]).toEqual(["client", undefined, "the client broke off within the content"]);
    expect(rejected()).toEqual([]);
  });

  test("by frames that are none leaves one record, which says so", async () => {
    const client = await upload("Transfer-Encoding: chunked");
    client.write("5\r\nhello\r\nZZ\r\n");
    expect((await client.rest()).length).toBe(0);
    const { outcome, error } = await gateway.line(name);
    expect(outcome).toBe("client");
    expect(error).toStartWith("the client's content is not HTTP: HPE_");
    expect(rejected()).toEqual([]);
  });

  test("leaves chunks without the last one", async () => {
    const client = await upload("Transfer-Encoding: chunked");
    client.write("30d40\r\n");
    client.write(BYTES.subarray(0, 200_000));
    client.write("\r\n");
    const storage = await gateway.storage.next();
    const head = await headOf(storage);
    expect([field(head, "transfer-encoding"), field(head, "content-length")]).toEqual(["chunked", undefined]);
    await storage.read(100_000);
    client.end();
    expect((await storage.rest()).toString("latin1")).not.toEndWith("0\r\n\r\n");
    expect((await gateway.line(name)).outcome).toBe("client");
  });
});

describe("content that is not what its checksum says", () => {
  test("is never sent whole", async () => {
    const wrong = createHash("md5").update("other").digest("base64");
    const client = await upload(LENGTH, `Content-MD5: ${wrong}`);
    client.write(BYTES);
    const storage = await gateway.storage.next();
    expect(field(await headOf(storage), "content-md5")).toBeUndefined();
    const got = await storage.rest();
    expect(got.length).toBeLessThan(SEALED);
    expect((await headOf(client))[0]).toBe("HTTP/1.1 400 Bad Request");
    const { outcome, code, status } = await gateway.line(name);
    expect([outcome, code, status]).toEqual(["refused", "bad_digest", 400]);
    client.end();
  });

  test("of little size never reaches the storage, and the connection goes on", async () => {
    const before = gateway.storage.opened;
    const client = await upload("Content-Length: 5", "ETag: 0123456789abcdef0123456789abcdef");
    client.write("hello");
    const head = await headOf(client);
    expect(head[0]).toBe("HTTP/1.1 422 Unprocessable Entity");
    const length = Number(field(head, "content-length"));
    await client.read(length);
    expect(gateway.storage.opened).toBe(before);
    client.write("GET /ping HTTP/1.1\r\nHost: a\r\n\r\n");
    expect((await headOf(client))[0]).toBe("HTTP/1.1 200 OK");
    const { code, received, sent } = await gateway.line(name);
    expect([code, received, sent]).toEqual(["wrong_etag", 5, length]);
    client.end();
  });
});

describe("a storage that", () => {
  /** An upload of which the storage has taken a part. */
  async function begun() {
    const client = await upload(LENGTH);
    client.write(BYTES.subarray(0, 250_000));
    const storage = await gateway.storage.next();
    await headOf(storage);
    await storage.read(100_000);
    return { client, storage };
  }

  test("answers 500 half-way has its answer passed on", async () => {
    const { client, storage } = await begun();
    storage.write("HTTP/1.1 500 Broken\r\nContent-Length: 4\r\nETag: x\r\n\r\nfull");
    const head = await headOf(client);
    expect([head[0], field(head, "etag")]).toEqual(["HTTP/1.1 500 Internal Server Error", undefined]);
    expect((await client.read(4)).toString()).toBe("full");
    expect((await storage.rest()).length).toBeLessThan(SEALED - 100_000);
    const { outcome, status } = await gateway.line(name);
    expect([outcome, status]).toEqual(["done", 500]);
    client.reset();
  });

  test("says that it has all, half-way, is not believed", async () => {
    const { client, storage } = await begun();
    storage.write("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    const head = await headOf(client);
    expect([head[0], field(head, "x-portail-error")]).toEqual(["HTTP/1.1 502 Bad Gateway", "upstream_broken"]);
    expect((await gateway.line(name)).outcome).toBe("failed");
    client.reset();
  });

  test("resets half-way is told as broken", async () => {
    const { client, storage } = await begun();
    storage.reset();
    client.write(BYTES.subarray(250_000));
    const head = await headOf(client);
    expect([head[0], field(head, "x-portail-error")]).toEqual(["HTTP/1.1 502 Bad Gateway", "upstream_broken"]);
    const { outcome, code } = await gateway.line(name);
    expect([outcome, code]).toEqual(["failed", "upstream_broken"]);
    client.reset();
  });

  test("never answers is given up", async () => {
    const { client, storage } = await begun();
    client.write(BYTES.subarray(250_000));
    expect((await headOf(client))[0]).toBe("HTTP/1.1 504 Gateway Timeout");
    await storage.rest();
    expect((await gateway.line(name)).code).toBe("upstream_timeout");
    client.end();
  });

  test("takes nothing makes the client wait", async () => {
    const size = 64 * 1024 * 1024;
    const client = await upload(`Content-Length: ${size}`);
    const piece = new Uint8Array(1024 * 1024);
    const taken = () => client.socket.bytesWritten - client.socket.writableLength;
    for (let i = 0; i < 64; i++) client.write(piece);
    const storage = await gateway.storage.next();
    storage.socket.pause();
    await stillness(taken);
    // What the buffers of the system on both ways hold, and less than a quarter of the content.
    expect(taken()).toBeLessThan(size / 4);
    storage.socket.resume();
    client.reset();
    await storage.rest();
    expect((await gateway.line(name)).outcome).toBe("client");
  });

  test("takes all has an object that libsodium opens", async () => {
    const { client, storage } = await begun();
    client.write(BYTES.subarray(250_000));
    await storage.read(SEALED - 100_000);
    storage.write('HTTP/1.1 201 Created\r\nContent-Length: 0\r\nETag: "of-ciphertext"\r\n\r\n');
    const md5 = createHash("md5").update(BYTES).digest("hex");
    expect(field(await headOf(client), "etag")).toBe(`"${md5}"`);
    const { outcome, received, format, keyId } = await gateway.line(name);
    expect([outcome, received, format, keyId]).toEqual(["done", SIZE, "ds2", "1"]);
    client.end();
    storage.end();
    await storage.closed;
  });
});

test("content that is framed in chunks is encrypted without the frames", async () => {
  const client = await upload("Transfer-Encoding: chunked", "Trailer: X-T");
  client.write("5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-T: v\r\n\r\n");
  const storage = await gateway.storage.next();
  const head = await headOf(storage);
  const length = Number(field(head, "content-length"));
  const object = await storage.read(length);
  expect(readSodiumObject(object, gateway.keys).plain.toString()).toBe("hello world");
  storage.write("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  expect((await headOf(client))[0]).toBe("HTTP/1.1 201 Created");
  await gateway.line(name);
  client.end();
});

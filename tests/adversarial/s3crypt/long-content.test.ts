/** Content that is long enough to go past the HTTP parser, or comes behind much else: what is in front of it, behind it, and in place of its end. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readSodiumObject, writeSodiumObject } from "../../support/sodium-object.ts";
import { content } from "../../support/web.ts";
import { RawClient } from "../raw-client.ts";
import { field, headOf, newName, startGateway, stillness, type Gateway } from "./gateway.ts";

const SIZE = 3_000_000;
const BYTES = content(SIZE);
const SEALED = 80 + SIZE + 17 * Math.ceil(SIZE / 16_384);
const PING = "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n";

let gateway: Gateway;
beforeEach(async () => {
  gateway = await startGateway(["--idle-timeout", "0"]);
});
afterEach(() => gateway.stop());

describe("an upload", () => {
  const head = (name: string, ...more: string[]) =>
    ["PUT /upstream/NAME HTTP/1.1", "Host: a", `Content-Length: ${SIZE}`, ...more, "\r\n"]
      .join("\r\n")
      .replace("NAME", name);

  /** A storage that takes one upload and answers it. */
  async function take(): Promise<Buffer> {
    const storage = await gateway.storage.next();
    expect(field(await headOf(storage), "content-length")).toBe(String(SEALED));
    const object = await storage.read(SEALED);
    storage.write("HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    storage.end();
    return object;
  }

  const opened = (object: Buffer) => readSodiumObject(object, gateway.keys).plain;

  /** The answer to an upload, and then to a ping. */
  async function answers(client: RawClient): Promise<void> {
    const created = await headOf(client);
    expect(created[0]).toBe("HTTP/1.1 201 Created");
    expect((await headOf(client))[0]).toBe("HTTP/1.1 200 OK");
  }

  test.each([
    ["with a request right behind it", [Buffer.concat([BYTES, Buffer.from(PING)])]],
    ["with one that comes in pieces", [BYTES, PING.slice(0, 9), PING.slice(9)]],
    [
      "with one in the packet of its end",
      [BYTES.subarray(0, -9), Buffer.concat([BYTES.subarray(-9), Buffer.from(PING)])],
    ],
  ] as [string, (Uint8Array | string)[]][])("%s has that answered too", async (_, pieces) => {
    const client = await RawClient.open(gateway.port);
    client.write(head(newName()));
    for (const piece of pieces) {
      client.write(piece);
      await Bun.sleep(20);
    }
    expect(opened(await take()).equals(BYTES)).toBe(true);
    await answers(client);
    client.end();
  });

  test("follows another on the same connection", async () => {
    const client = await RawClient.open(gateway.port);
    for (let i = 0; i < 3; i++) {
      client.write(head(newName()));
      client.write(BYTES);
      expect(opened(await take()).equals(BYTES)).toBe(true);
      expect((await headOf(client))[0]).toBe("HTTP/1.1 201 Created");
    }
    client.write(PING);
    expect((await headOf(client))[0]).toBe("HTTP/1.1 200 OK");
    client.end();
  });

  test("that is the last of its connection ends it", async () => {
    const client = await RawClient.open(gateway.port);
    client.write(head(newName(), "Connection: close"));
    client.write(BYTES);
    client.write(PING);
    await take();
    expect((await headOf(client))[0]).toBe("HTTP/1.1 201 Created");
    expect((await client.rest()).toString("latin1")).not.toContain("HTTP/1.1 200");
  });

  test("whose client has ended its direction behind it is answered", async () => {
    const client = await RawClient.open(gateway.port);
    client.write(head(newName()));
    client.write(BYTES);
    client.end();
    await take();
    expect((await headOf(client))[0]).toBe("HTTP/1.1 201 Created");
    await client.rest();
  });

  test.each(["end", "reset"] as const)("that breaks off by %s is none", async (how) => {
    const client = await RawClient.open(gateway.port);
    const name = newName();
    client.write(head(name));
    client.write(BYTES.subarray(0, SIZE - 1));
    const storage = await gateway.storage.next();
    await headOf(storage);
    await storage.read(2_000_000);
    client[how]();
    expect(2_000_000 + (await storage.rest()).length).toBeLessThan(SEALED);
    const { outcome, error } = await gateway.line(name);
    expect([outcome, error]).toEqual(["client", "the client broke off within the content"]);
  });

  test("that the storage refuses half-way is read to its end, and the connection goes on", async () => {
    const client = await RawClient.open(gateway.port);
    client.write(head(newName()));
    client.write(BYTES.subarray(0, 2_500_000));
    const storage = await gateway.storage.next();
    await headOf(storage);
    await storage.read(2_000_000);
    storage.write("HTTP/1.1 507 Full\r\nContent-Length: 0\r\n\r\n");
    expect((await headOf(client))[0]).toStartWith("HTTP/1.1 507 ");
    client.write(BYTES.subarray(2_500_000));
    client.write(PING);
    expect((await headOf(client))[0]).toBe("HTTP/1.1 200 OK");
    client.end();
    storage.reset();
  });
});

describe("a download", () => {
  const object = () => writeSodiumObject({ key: gateway.keys.get(1n)!, keyId: 1n, plain: BYTES, final: true });

  async function ask(): Promise<{ client: RawClient; name: string }> {
    const client = await RawClient.open(gateway.port);
    const name = newName();
    client.write(`GET /upstream/${name} HTTP/1.1\r\nHost: a\r\n\r\n`);
    return { client, name };
  }

  /** Sends `bytes` as the object, behind fields, and what the client gets of it. */
  async function hand(storage: RawClient, client: RawClient, bytes: Uint8Array, ...fields: string[]): Promise<Buffer> {
    await headOf(storage);
    const head = ["HTTP/1.1 200 OK", `Content-Length: ${SEALED}`, ...fields, "\r\n"].join("\r\n");
    storage.write(Buffer.concat([Buffer.from(head), bytes]));
    const got = await headOf(client);
    expect([got[0], field(got, "content-length")]).toEqual(["HTTP/1.1 200 OK", String(SIZE)]);
    return client.read(SIZE);
  }

  test("leaves its connection to the storage for the next", async () => {
    const first = await ask();
    const storage = await gateway.storage.next();
    const opened = gateway.storage.opened;
    expect((await hand(storage, first.client, object())).equals(BYTES)).toBe(true);
    for (let i = 0; i < 2; i++) {
      const next = await ask();
      expect((await hand(storage, next.client, object())).equals(BYTES)).toBe(true);
      next.client.end();
    }
    expect(gateway.storage.opened).toBe(opened);
    // A read goes twice over one that is gone.
    const last = await ask();
    await headOf(storage);
    storage.reset();
    expect((await hand(await gateway.storage.next(), last.client, object())).equals(BYTES)).toBe(true);
    first.client.end();
    last.client.end();
  });

  test.each([
    ["that is said to be the last of its connection", ["Connection: close"], ""],
    ["with something behind it", [], "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"],
  ])("%s leaves it to nobody", async (_, fields, behind) => {
    const opened = gateway.storage.opened;
    const { client } = await ask();
    const storage = await gateway.storage.next();
    const bytes = Buffer.concat([object(), Buffer.from(behind)]);
    expect((await hand(storage, client, bytes, ...fields)).equals(BYTES)).toBe(true);
    await storage.rest();
    const next = await ask();
    expect((await hand(await gateway.storage.next(), next.client, object())).equals(BYTES)).toBe(true);
    expect(gateway.storage.opened).toBeGreaterThan(opened);
    client.end();
    next.client.end();
  });

  test("with something behind it has that taken for no other answer, however soon the next request comes", async () => {
    const client = await RawClient.open(gateway.port);
    for (const name of [newName(), newName()]) client.write(`GET /upstream/${name} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const storage = await gateway.storage.next();
    const behind = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    expect((await hand(storage, client, Buffer.concat([object(), Buffer.from(behind)]))).equals(BYTES)).toBe(true);
    expect((await hand(await gateway.storage.next(), client, object())).equals(BYTES)).toBe(true);
    client.end();
  });

  test.each(["end", "reset"] as const)("that the storage breaks off by %s is not whole", async (how) => {
    const { client, name } = await ask();
    const storage = await gateway.storage.next();
    await headOf(storage);
    storage.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SEALED}\r\n\r\n`);
    storage.write(object().subarray(0, SEALED - 1));
    await headOf(client);
    const begun = await client.read(1_500_000);
    storage[how]();
    const got = Buffer.concat([begun, await client.rest()]);
    expect(got.length).toBeLessThan(SIZE);
    expect(got.equals(BYTES.subarray(0, got.length))).toBe(true);
    expect((await gateway.line(name)).outcome).toBe("failed");
  });

  test("whose client leaves is ended at the storage", async () => {
    const { client, name } = await ask();
    const storage = await gateway.storage.next();
    await headOf(storage);
    storage.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SEALED}\r\n\r\n`);
    storage.write(object().subarray(0, 2_000_000));
    await headOf(client);
    await client.read(1_900_000);
    client.reset();
    await storage.closed;
    expect((await gateway.line(name)).outcome).toBe("client");
  });

  test("of which a late message is forged gives nothing from there on", async () => {
    const forged = object();
    forged[2_000_000]! ^= 1;
    const whole = Math.floor((2_000_000 - 80) / (16_384 + 17)) * 16_384;
    const { client, name } = await ask();
    const storage = await gateway.storage.next();
    const got = await hand(storage, client, forged);
    expect(got.length).toBeLessThanOrEqual(whole);
    expect(got.equals(BYTES.subarray(0, got.length))).toBe(true);
    expect((await gateway.line(name)).code).toBe("forged");
    storage.reset();
  });
});

test("content whose head came behind many requests that do not wait is taken when they are answered", async () => {
  const client = await RawClient.open(gateway.port);
  const ping = `GET /ping HTTP/1.1\r\nHost: a\r\nX-A: ${"a".repeat(3000)}\r\n\r\n`;
  client.write(`GET /upstream/${newName()} HTTP/1.1\r\nHost: a\r\n\r\n`);
  const storage = await gateway.storage.next();
  await headOf(storage);
  const out = () => client.socket.bytesWritten - client.socket.writableLength;
  client.write(ping);
  await stillness(out);
  // So many that no more of them is read before the first is answered.
  client.write(`${ping.repeat(22)}PUT /upstream/${newName()} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n`);
  await stillness(out);
  storage.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  await headOf(client);
  for (let i = 0; i < 23; i++) {
    await headOf(client);
    await client.read(2);
  }
  client.write("hello");
  expect((await headOf(storage))[0]).toStartWith("PUT ");
  storage.write("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  expect((await headOf(client))[0]).toBe("HTTP/1.1 201 Created");
  client.end();
  storage.end();
  await storage.closed;
});

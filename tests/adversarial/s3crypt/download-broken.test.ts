/** Downloads that the storage or the client breaks off, holds up or leads elsewhere: what is not whole never looks it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { BYTES, CHUNK, download, FRONT, get, objectOf, SEALED_CHUNK, told } from "./download.ts";
import { RawClient } from "../raw-client.ts";
import { field, headOf, newName, startGateway, stillness, type Gateway } from "./gateway.ts";

let gateway: Gateway;
beforeAll(async () => void (gateway = await startGateway(["--plaintext", "warn"])));
afterAll(() => gateway.stop());

describe("a storage that breaks off", () => {
  test("within an object leaves the client with what is authentic, and no end", async () => {
    const object = objectOf(gateway, true);
    const outcome = await download(gateway, (storage) => {
      storage.write(`HTTP/1.1 200 OK\r\nContent-Length: ${object.length}\r\n\r\n`);
      storage.write(object.subarray(0, FRONT + 2 * SEALED_CHUNK + 100));
      storage.end();
    });
    expect(outcome.body.equals(BYTES.subarray(0, 2 * CHUNK))).toBe(true);
    expect([outcome.whole, outcome.line.code]).toEqual([false, "upstream_broken"]);
  });

  test("before its answer is told", async () => {
    const outcome = await download(gateway, (storage) => storage.end());
    expect(told(outcome)).toEqual(["HTTP/1.1 502 Bad Gateway", "upstream_broken", 502, "upstream_broken"]);
  });

  test("with something else than HTTP is told", async () => {
    const outcome = await download(gateway, (storage) => storage.write("SSH-2.0-OpenSSH_9.2\r\n"));
    expect(told(outcome).slice(0, 2)).toEqual(["HTTP/1.1 502 Bad Gateway", "upstream_broken"]);
  });

  test("within an error page leaves the client without its end", async () => {
    const outcome = await download(gateway, (storage) => {
      storage.write("HTTP/1.1 503 Slow Down\r\nContent-Length: 100\r\n\r\nwait");
      storage.end();
    });
    expect([outcome.head[0], outcome.whole]).toEqual(["HTTP/1.1 503 Service Unavailable", false]);
  });
});

test("a redirect is handed on, and never followed", async () => {
  const before = gateway.storage.opened;
  const place = `http://127.0.0.1:${gateway.storage.port}/jail/other`;
  const outcome = await download(gateway, (storage) =>
    storage.write(`HTTP/1.1 301 Moved\r\nLocation: ${place}\r\nContent-Length: 0\r\n\r\n`),
  );
  expect([outcome.head[0], field(outcome.head, "location")]).toEqual([
    "HTTP/1.1 301 Moved Permanently",
    "/upstream/other",
  ]);
  expect(gateway.storage.opened).toBe(before + 1);
});

test("a client that leaves has its download ended at the storage", async () => {
  const { client, name, storage } = await get(gateway);
  storage.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
  storage.write(objectOf(gateway).subarray(0, FRONT + SEALED_CHUNK));
  await client.read(100);
  client.reset();
  await storage.rest();
  const { outcome, error } = await gateway.line(name);
  expect([outcome, error]).toEqual(["client", "the client left before it had its answer"]);
});

test("a client that leaves before the storage answers is not answered for, on a connection that was kept neither", async () => {
  const { client: first, storage } = await get(gateway);
  storage.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab");
  await headOf(first);
  await first.read(2);
  first.end();
  const { opened } = gateway.storage;
  const client = await RawClient.open(gateway.port);
  const name = newName();
  client.write(`GET /upstream/${name} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await headOf(storage);
  client.reset();
  expect((await storage.rest()).length).toBe(0);
  expect((await gateway.line(name)).outcome).toBe("client");
  expect(gateway.storage.opened).toBe(opened);
});

test("a client that reads nothing makes the storage wait", async () => {
  const size = 64 * 1024 * 1024;
  const { client, name, storage } = await get(gateway);
  client.socket.pause();
  storage.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
  const piece = Buffer.alloc(1024 * 1024, "x");
  for (let i = 0; i < 64; i++) storage.write(piece);
  const taken = () => storage.socket.bytesWritten - storage.socket.writableLength;
  await stillness(taken);
  expect(taken()).toBeLessThan(size / 4);
  client.reset();
  await storage.rest();
  expect((await gateway.line(name)).outcome).toBe("client");
});

/** Clients that leave in order to use a right again: only what the storage says counts, once it has all of an upload. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RawClient } from "../raw-client.ts";
import { headOf, newName, startGateway, type Gateway } from "./gateway.ts";

const folder = mkdtempSync(join(tmpdir(), "portail-adversarial-"));
const QUERY = "temp_url_expires=9999999999";
let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway(["--write-once", "--write-once-db", join(folder, "once.db")]);
});

afterAll(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

/** Uploads all of an object, and leaves once the storage has it; the storage then gives `status`. */
async function leaveBeforeAnswer(name: string, status: string): Promise<void> {
  const client = await RawClient.open(gateway.port);
  client.write(`PUT /upstream/${name}?${QUERY} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx`);
  const storage = await gateway.storage.next();
  await headOf(storage);
  // 80 bytes of head, and one message of 1 + 17.
  await storage.read(98);
  client.reset();
  await client.rest();
  storage.write(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  storage.end();
  await gateway.line(name);
}

/** The status of another use, without its content, under another spelling of `name`. */
async function useAgain(name: string): Promise<string> {
  const before = gateway.storage.opened;
  const client = await RawClient.open(gateway.port);
  const path = `/upstream/%6F${name.slice(1)}?${QUERY}`;
  client.write(`PUT ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n`);
  const [first = ""] = await headOf(client);
  client.reset();
  await client.rest();
  expect(gateway.storage.opened).toBe(before);
  return first.split(" ")[1]!;
}

test("a client that leaves when the storage has all, and takes it, has used its right", async () => {
  const name = newName();
  await leaveBeforeAnswer(name, "201 Created");
  expect((await gateway.line(name)).writeOnce).toBe("taken");
  expect(await useAgain(name)).toBe("403");
});

test("one whose upload the storage then refuses has not", async () => {
  const name = newName();
  await leaveBeforeAnswer(name, "500 Internal Server Error");
  expect((await gateway.line(name)).writeOnce).toBe("given_back");
  expect(await useAgain(name)).toBe("100");
});

test("one that leaves within its content has not, and meanwhile nobody else has it", async () => {
  const name = newName();
  const client = await RawClient.open(gateway.port);
  client.write(
    `PUT /upstream/${name}?${QUERY} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n`,
  );
  expect((await headOf(client))[0]).toBe("HTTP/1.1 100 Continue");
  client.write("x");
  expect(await useAgain(name)).toBe("403");
  client.reset();
  await client.rest();
  expect((await gateway.line(name)).writeOnce).toBe("given_back");
  expect(await useAgain(name)).toBe("100");
});

/** Faults of our own, put into the proxy on purpose: they end the request that meets them, and nothing else. */
import { afterAll, beforeAll, expect, spyOn, test } from "bun:test";
import type { Action, Asked } from "../../../commands/s3crypt/serve/dialect.ts";
import type { Exchange } from "../../../commands/s3crypt/serve/exchange.ts";
import { PlainDialect } from "../../../commands/s3crypt/serve/plain-dialect.ts";
import { RawClient } from "../raw-client.ts";
import { field, headOf, newName, startGateway, type Gateway } from "./gateway.ts";

let gateway: Gateway;
/** What the proxy does with an object of this name in place of what it should. */
const faults = new Map<string, (x: Exchange) => Promise<void>>();
const unclear = new Set<string>();

const classify = PlainDialect.prototype.classify;
const spy = spyOn(PlainDialect.prototype, "classify").mockImplementation(function (this: PlainDialect, asked: Asked) {
  if (unclear.has(asked.rest)) throw new TypeError("it was thrown on purpose");
  const answer = faults.get(asked.rest);
  const action = classify.call(this, asked);
  return answer === undefined ? action : ({ ...action, kind: "own", answer } as Action);
});

beforeAll(async () => {
  gateway = await startGateway();
});

afterAll(async () => {
  spy.mockRestore();
  await gateway.stop();
});

async function ask(name: string): Promise<RawClient> {
  const client = await RawClient.open(gateway.port);
  client.write(`GET /upstream/${name} HTTP/1.1\r\nHost: a\r\n\r\n`);
  return client;
}

/** The same connection, and the proxy, go on. */
async function isWell(client: RawClient): Promise<void> {
  client.write("GET /ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  expect((await headOf(client))[0]).toBe("HTTP/1.1 200 OK");
  client.end();
}

async function isTold(name: string, message: string): Promise<void> {
  const line = await gateway.line(name);
  expect([line.outcome, line.code]).toEqual(["failed", "internal"]);
  expect(line.error).not.toContain(message);
  expect(gateway.runtime.lines.filter((each) => each.startsWith("error ")).at(-1)).toContain(message);
}

test("before an answer has begun it is told as 500", async () => {
  const name = newName();
  faults.set(name, async () => {
    throw new TypeError("a fault before the head");
  });
  const client = await ask(name);
  const head = await headOf(client);
  expect(head[0]).toBe("HTTP/1.1 500 Internal Server Error");
  expect(field(head, "X-Portail-Error")).toBe("internal");
  const body = await client.read(Number(field(head, "Content-Length")));
  expect(body.toString()).not.toContain("a fault before the head");
  await isTold(name, "a fault before the head");
  await isWell(client);
});

test("where nobody can say what is asked for it is told as 500, and nothing reaches the storage", async () => {
  const name = newName();
  unclear.add(name);
  const before = gateway.storage.opened;
  const client = await ask(name);
  const head = await headOf(client);
  expect(head[0]).toBe("HTTP/1.1 500 Internal Server Error");
  await client.read(Number(field(head, "Content-Length")));
  expect(gateway.storage.opened).toBe(before);
  await isTold(name, "it was thrown on purpose");
  await isWell(client);
});

test("behind the head the answer is broken off", async () => {
  const name = newName();
  faults.set(name, async (x) => {
    x.begin(200, [["Content-Length", "10"]]);
    await x.write(Buffer.from("half"));
    throw new TypeError("a fault within the content");
  });
  const client = await ask(name);
  const rest = (await client.rest()).toString("latin1");
  expect(rest.split("\r\n\r\n")[1]).toBe("half");
  await isTold(name, "a fault within the content");
  await isWell(await RawClient.open(gateway.port));
});

test("where not even that can be told the connection ends", async () => {
  const name = newName();
  faults.set(name, async (x) => {
    x.fail = () => Promise.reject(new TypeError("a fault while it was told"));
    throw new TypeError("a first fault");
  });
  const client = await ask(name);
  expect(await client.rest()).toHaveLength(0);
  await isTold(name, "a fault while it was told");
  await isWell(await RawClient.open(gateway.port));
});

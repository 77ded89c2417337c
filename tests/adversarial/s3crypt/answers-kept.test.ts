/** A request that asks the storage for much, as a listing does for each of its objects: answers that were read are kept no longer. */
import { afterAll, beforeAll, expect, spyOn, test } from "bun:test";
import type { Action, Asked } from "../../../commands/s3crypt/serve/dialect.ts";
import type { Exchange } from "../../../commands/s3crypt/serve/exchange.ts";
import { PlainDialect } from "../../../commands/s3crypt/serve/plain-dialect.ts";
import { RawClient } from "../raw-client.ts";
import { headOf, newName, startGateway, type Gateway } from "./gateway.ts";

let gateway: Gateway;
const NAME = newName();
const ended: string[] = [];
const begun = Promise.withResolvers<void>();

/** Reads one answer of the storage and none of another, and waits for the client to leave. */
async function askTwice(x: Exchange): Promise<void> {
  for (const which of ["read", "unread"]) {
    const answer = await x.ask("GET", x.fieldsWithout());
    const destroy = answer.destroy.bind(answer);
    if (which === "read") {
      for await (const _ of answer);
      if (!answer.closed) await new Promise((resolve) => answer.once("close", resolve));
    }
    answer.destroy = () => {
      ended.push(which);
      return destroy();
    };
  }
  const left = new Promise<void>((resolve) => x.onGone(resolve));
  begun.resolve();
  await left;
}

const classify = PlainDialect.prototype.classify;
const spy = spyOn(PlainDialect.prototype, "classify").mockImplementation(function (this: PlainDialect, asked: Asked) {
  return { ...classify.call(this, asked), kind: "own", answer: askTwice } as Action;
});

beforeAll(async () => {
  gateway = await startGateway();
});

afterAll(async () => {
  spy.mockRestore();
  await gateway.stop();
});

test("a client that leaves ends those alone that were not", async () => {
  gateway.storage.taker = async (storage) => {
    for (;;) {
      if ((await headOf(storage)).length === 0) return;
      storage.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    }
  };
  const client = await RawClient.open(gateway.port);
  client.write(`GET /upstream/${NAME} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await begun.promise;
  client.reset();
  expect((await gateway.line(NAME)).outcome).toBe("client");
  expect(ended).toEqual(["unread"]);
});

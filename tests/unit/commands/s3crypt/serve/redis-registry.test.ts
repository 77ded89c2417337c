/** Rights in Redis: the commands of ds_proxy, with the time that a URL has left. */
import { expect, test } from "bun:test";
import { RedisRegistry } from "../../../../../commands/s3crypt/serve/redis-registry.ts";
import { RegistryError } from "../../../../../commands/s3crypt/serve/write-once.ts";
import { RedisError, type RedisPool } from "../../../../../lib/net/redis.ts";
import type { Reply } from "../../../../../lib/wire/resp.ts";

const HOUR = 3_600_000;

function stage(reply: Reply | RedisError) {
  const asked: string[] = [];
  const clock = { now: 1_000_000 };
  const pool = {
    async ask(words: string[]) {
      asked.push(words.join(" "));
      if (reply instanceof Error) throw reply;
      return reply;
    },
  } as unknown as RedisPool;
  return { asked, clock, registry: new RedisRegistry("redis://a", pool, () => clock.now) };
}

test("a right is set for as long as the URL holds, beyond an hour too", async () => {
  const { asked, registry } = stage({ type: "status", text: "OK" });
  expect(await registry.take("locks:a", 1_000_000 + 30 * HOUR)).toBe(true);
  await registry.take("locks:b", 1_000_000.5);
  await registry.take("locks:c", Infinity);
  expect(asked).toEqual([`SET locks:a true NX PX ${30 * HOUR}`, "SET locks:b true NX PX 1", "SET locks:c true NX"]);
});

test("one that is there is used", async () => {
  expect(await stage({ type: "nil" }).registry.take("locks:a", 2_000_000)).toBe(false);
});

test("what has run out may be another's, and is not given back", async () => {
  const { asked, clock, registry } = stage({ type: "integer", value: 1n });
  await registry.give("locks:a", 1_000_001);
  clock.now = 1_000_001;
  await registry.give("locks:a", 1_000_001);
  expect(asked).toEqual(["DEL locks:a"]);
});

test("trouble is the registry's", async () => {
  const { registry } = stage(new RedisError("timeout", "no answer"));
  const error = await registry.take("locks:a", 2_000_000).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(RegistryError);
  expect((error as Error).message).toBe("no answer");
  const odd = await stage({ type: "integer", value: 1n })
    .registry.take("a", 2_000_000)
    .catch((caught: unknown) => caught);
  expect(odd).toBeInstanceOf(RegistryError);
});

/** What is asked of which provider for a request, and what its facts are then. */
import { expect, test } from "bun:test";
import type { FactName, Facts } from "../../../../lib/acl/facts.ts";
import type { Key } from "../../../../lib/context/cache.ts";
import { Context, type Provider } from "../../../../lib/context/context.ts";
import { NOTHING, type Values } from "../../../../lib/context/targets.ts";
import { parseIp } from "../../../../lib/wire/ip.ts";

interface Fake extends Provider {
  asked: Key[];
}

function provider(
  name: string,
  key: FactName | FactName[],
  facts: FactName[],
  lookup: (key: Key) => Values | Promise<Values>,
): Fake {
  const asked: Key[] = [];
  const targets = facts.map((fact) => ({ fact, type: "any", from: "x" }) as const);
  const record = (asks: Key) => (asked.push(asks), lookup(asks));
  return {
    name,
    key: [key].flat(),
    targets,
    asked,
    lookup: record,
    idle: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

const FACTS: Facts = { "client.user": "ada", port: 443, host: "a.example" };
const LONG = 60_000;

test("without an answer the facts are the same object", () => {
  const context = new Context([provider("p", "client.user", ["user.name"], () => NOTHING)], LONG);
  expect(context.complete(FACTS)).toBe(FACTS);
});

test("what is known at once is there at once", () => {
  const context = new Context([provider("p", "client.user", ["user.name"], () => ({ "user.name": "Ada" }))], LONG);
  expect(context.complete(FACTS)).toEqual({ ...FACTS, "user.name": "Ada" });
  expect(FACTS["user.name"]).toBeUndefined();
});

test("one whose key is not known, empty or too long is not asked", () => {
  const asks = provider("p", "client.user", ["user.name"], () => ({ "user.name": "Ada" }));
  const context = new Context([asks], LONG);
  for (const facts of [{}, { "client.user": "" }, { "client.user": undefined }, { "client.user": "x".repeat(1025) }])
    expect(context.complete(facts)).toBe(facts);
  expect(asks.asked).toEqual([]);
});

test("keys are plain values: an address as canonical text, several as one key; a list is none", () => {
  const byIp = provider("a", "client.ip", ["geo.asn"], () => NOTHING);
  const byBoth = provider("b", ["client.user", "port"], ["user.name"], () => NOTHING);
  const byList = provider("c", "user.list", ["device.id"], () => NOTHING);
  const facts = { ...FACTS, "client.ip": parseIp("2001:0db8::1")!, "user.list": ["x"] };
  new Context([byIp, byBoth, byList], LONG).complete(facts);
  expect(byIp.asked).toEqual([{ values: ["2001:db8::1"], text: "2001:db8::1" }]);
  expect(byBoth.asked).toEqual([{ values: ["ada", 443], text: '["ada",443]' }]);
  expect(byList.asked).toEqual([]);
});

test("a fact that is there stays, and who could add nothing else is not asked", () => {
  const asks = provider("p", "client.user", ["user.name"], () => ({ "user.name": "Ada" }));
  const more = provider("q", "client.user", ["user.name", "user.email"], () => ({
    "user.name": "x",
    "user.email": "a@b",
  }));
  const facts = { ...FACTS, "user.name": "Core" };
  expect(new Context([asks, more], LONG).complete(facts)).toEqual({ ...facts, "user.email": "a@b" });
  expect(asks.asked).toEqual([]);
});

test("of two that fill a fact the first counts, whichever is faster", async () => {
  const slow = provider("slow", "client.user", ["user.name"], () =>
    Bun.sleep(5).then(() => ({ "user.name": "first" })),
  );
  const fast = provider("fast", "client.user", ["user.name"], () => ({ "user.name": "second" }));
  expect(await new Context([slow, fast], LONG).complete(FACTS)).toEqual({ ...FACTS, "user.name": "first" });
  const silent = provider("silent", "client.user", ["user.name"], () => Promise.resolve(NOTHING));
  expect(await new Context([silent, fast], LONG).complete(FACTS)).toEqual({ ...FACTS, "user.name": "second" });
});

test("one that needs another's fact is asked by it, and no other waits for that", async () => {
  const people = Promise.withResolvers<Values>();
  const seen: string[] = [];
  const note = (name: string, values: Values) => (seen.push(name), values);
  const first = provider("people", "client.user", ["user.email"], () => people.promise);
  const device = provider("device", "user.email", ["device.id"], (key) =>
    note("device", { "device.id": `of ${key.text}` }),
  );
  const geo = provider("geo", "host", ["geo.country"], () => note("geo", { "geo.country": "FR" }));
  const found = new Context([first, device, geo], LONG).complete(FACTS);
  expect(found).toBeInstanceOf(Promise);
  expect(seen).toEqual(["geo"]);
  people.resolve({ "user.email": "ada@x" });
  expect(await found).toEqual({
    ...FACTS,
    "user.email": "ada@x",
    "device.id": "of ada@x",
    "geo.country": "FR",
  });
});

test("what is late is missing, and what came in time is there", async () => {
  const late = Promise.withResolvers<Values>();
  const never = provider("never", "client.user", ["user.email"], () => late.promise);
  const behind = provider("behind", "user.email", ["device.id"], () => ({ "device.id": "x" }));
  const quick = provider("quick", "client.user", ["user.name"], () => Promise.resolve({ "user.name": "Ada" }));
  const facts = await new Context([never, behind, quick], 20).complete(FACTS);
  expect(facts).toEqual({ ...FACTS, "user.name": "Ada" });
  late.resolve({ "user.email": "late" });
  await Bun.sleep(1);
  expect(facts["user.email"]).toBeUndefined();
});

test("providers that are replaced end when they are idle, those of a stop at once", async () => {
  const order: string[] = [];
  const quiet = Promise.withResolvers<void>();
  const one: Provider = {
    ...provider("p", "client.user", ["user.name"], () => NOTHING),
    idle: () => quiet.promise.then(() => void order.push("idle")),
    close: () => Promise.resolve(void order.push("closed")),
  };
  const context = new Context([one], LONG);
  const retired = context.retire();
  await Bun.sleep(0);
  expect(order).toEqual([]);
  quiet.resolve();
  await retired;
  expect(order).toEqual(["idle", "closed"]);
  await context.close();
  expect(order).toEqual(["idle", "closed", "closed"]);
});

test("the keys that must be known are those of all", () => {
  const all = [
    provider("a", "client.ip", ["geo.asn"], () => NOTHING),
    provider("b", ["client.ip", "host"], [], () => NOTHING),
  ];
  expect(new Context(all, LONG).keys).toEqual(["client.ip", "host"]);
});

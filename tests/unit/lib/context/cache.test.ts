/** Remembered answers: how long, how many, who joins whom, and what trouble leaves. */
import { expect, test } from "bun:test";
import type { Logger } from "../../../../lib/command/log.ts";
import { Cache, type CacheLimits } from "../../../../lib/context/cache.ts";
import { ProviderCounts, Report, Trouble } from "../../../../lib/context/counts.ts";
import { NOTHING, type Values } from "../../../../lib/context/targets.ts";

const LIMITS: CacheLimits = {
  ttl: 100,
  negativeTtl: 10,
  stale: 0,
  timeout: 60_000,
  entries: 3,
  outstanding: 2,
};
const key = (text: string) => ({ values: [text], text });

/** A cache whose source answers when it is told to, by a clock that stands. */
function stage(limits: Partial<CacheLimits> = {}) {
  const clock = { now: 1000 };
  const asked: { key: string; answer: (values: Values | Trouble) => void; signal: AbortSignal }[] = [];
  const source = {
    ask({ text }: { text: string }, signal: AbortSignal) {
      const { promise, resolve } = Promise.withResolvers<Values | Trouble>();
      asked.push({ key: text, answer: resolve, signal });
      return promise;
    },
    close: () => Promise.resolve(),
  };
  const lines: string[] = [];
  const note = (message: string) => void lines.push(message);
  const log: Logger = { debug() {}, info: note, warn: note, error: note, writes: () => true, configure() {} };
  const counts = new ProviderCounts();
  const cache = new Cache(source, { ...LIMITS, ...limits }, new Report("p", counts, log), () => clock.now);
  /** Looks a key up and has the source answer. */
  const learn = async (text: string, answer: Values | Trouble) => {
    const before = asked.length;
    const found = cache.lookup(key(text));
    expect(asked.length).toBe(before + 1);
    asked.at(-1)!.answer(answer);
    return await found;
  };
  return { cache, asked, clock, counts, learn, lines };
}

test("an answer is good for its time, one that knows nothing for a shorter one", async () => {
  const { cache, asked, clock, counts, learn } = stage();
  await learn("ada", { "user.name": "Ada" });
  await learn("eve", NOTHING);
  clock.now += 9;
  expect([cache.lookup(key("ada")), cache.lookup(key("eve"))]).toEqual([{ "user.name": "Ada" }, NOTHING]);
  clock.now += 1;
  expect(cache.lookup(key("eve"))).toBeInstanceOf(Promise);
  clock.now += 89;
  expect(cache.lookup(key("ada"))).toEqual({ "user.name": "Ada" });
  clock.now += 1;
  expect(cache.lookup(key("ada"))).toBeInstanceOf(Promise);
  expect(asked.map((question) => question.key)).toEqual(["ada", "eve", "eve", "ada"]);
  expect(counts).toMatchObject({ hits: 3, misses: 4, joined: 0, entries: 2 });
});

test("look-ups for one key are one question", async () => {
  const { cache, asked, counts } = stage();
  const found = [1, 2, 3].map(() => cache.lookup(key("ada")));
  expect(asked.length).toBe(1);
  asked[0]!.answer({ "user.name": "Ada" });
  expect(await Promise.all(found)).toEqual(found.map(() => ({ "user.name": "Ada" })));
  expect(counts).toMatchObject({ hits: 0, misses: 1, joined: 2 });
  expect(counts.latency.count).toBe(1);
});

test("what was not asked for longest makes room", async () => {
  const { cache, counts, learn } = stage();
  for (const name of ["a", "b", "c"]) await learn(name, { "user.name": name });
  expect(cache.lookup(key("a"))).toEqual({ "user.name": "a" });
  await learn("d", { "user.name": "d" });
  expect(counts.entries).toBe(3);
  expect(cache.lookup(key("a"))).toEqual({ "user.name": "a" });
  expect(cache.lookup(key("b"))).toBeInstanceOf(Promise);
});

test("no more questions at a time than allowed: further ones wait, within their time", async () => {
  const { cache, asked, counts } = stage();
  const found = ["a", "b", "c"].map((name) => cache.lookup(key(name)));
  expect(asked.length).toBe(2);
  expect(cache.lookup(key("c"))).toBe(found[2]!);
  asked[0]!.answer({ "user.name": "a" });
  expect(await found[0]).toEqual({ "user.name": "a" });
  await Bun.sleep(0);
  expect(asked.map((question) => question.key)).toEqual(["a", "b", "c"]);
  asked[2]!.answer({ "user.name": "c" });
  expect(await found[2]).toEqual({ "user.name": "c" });
  expect(counts.troubles.busy).toBe(0);
});

test("one that waits too long is late, and not asked any more", async () => {
  const { cache, asked, counts } = stage({ outstanding: 1, timeout: 20 });
  const found = ["a", "b"].map((name) => cache.lookup(key(name)));
  expect(await Promise.all(found)).toEqual([NOTHING, NOTHING]);
  expect(counts.troubles.timeout).toBe(2);
  asked[0]!.answer(NOTHING);
  await Bun.sleep(0);
  expect(asked.length).toBe(1);
});

test("and beyond a thousand that wait, the next one is not asked", async () => {
  const { cache, counts } = stage({ outstanding: 1 });
  for (let i = 0; i < 1001; i++) void cache.lookup(key(`u${i}`));
  expect(await cache.lookup(key("more"))).toBe(NOTHING);
  expect(counts.troubles.busy).toBe(1);
});

test("after trouble a key is not asked for again at once; the log says so once, and when it is over", async () => {
  const { cache, clock, counts, learn, lines } = stage();
  expect(await learn("ada", new Trouble("down", "it is not there"))).toBe(NOTHING);
  expect(await learn("bob", new Trouble("down", "it is not there"))).toBe(NOTHING);
  expect(cache.lookup(key("ada"))).toBe(NOTHING);
  clock.now += 1000;
  expect(await learn("ada", { "user.name": "Ada" })).toEqual({ "user.name": "Ada" });
  expect(counts.troubles.down).toBe(2);
  expect(lines).toEqual(["provider p: it is not there; its facts are missing", "provider p answers again"]);
});

test("an old answer does not count in trouble", async () => {
  const { clock, learn } = stage();
  await learn("ada", { "user.name": "Ada" });
  clock.now += 100;
  expect(await learn("ada", new Trouble("timeout", "late"))).toBe(NOTHING);
});

test("but for as long as it may be stale, and no longer", async () => {
  const { cache, clock, counts, learn } = stage({ stale: 5000 });
  await learn("ada", { "user.name": "Ada" });
  clock.now += 100;
  expect(await learn("ada", new Trouble("timeout", "late"))).toEqual({ "user.name": "Ada" });
  expect(cache.lookup(key("ada"))).toEqual({ "user.name": "Ada" });
  clock.now += 4000;
  expect(await learn("ada", new Trouble("timeout", "late"))).toEqual({ "user.name": "Ada" });
  clock.now += 1000;
  expect(await learn("ada", new Trouble("timeout", "late"))).toBe(NOTHING);
  expect(counts.stale).toBe(2);
});

test("a question has its time, and is told when it is over", async () => {
  const { cache, asked, counts } = stage({ timeout: 20 });
  expect(await cache.lookup(key("ada"))).toBe(NOTHING);
  expect(asked[0]!.signal.aborted).toBe(true);
  expect(counts.troubles.timeout).toBe(1);
  asked[0]!.answer({ "user.name": "late" });
  await Promise.resolve();
  expect(cache.lookup(key("ada"))).toBe(NOTHING);
});

test("it is idle when nothing is being asked, not even by one that waits", async () => {
  const { cache, asked } = stage({ outstanding: 1 });
  await cache.idle();
  for (const name of ["a", "b"]) void cache.lookup(key(name));
  let idle = false;
  const done = cache.idle().then(() => (idle = true));
  asked[0]!.answer(NOTHING);
  await Bun.sleep(0);
  expect(idle).toBe(false);
  asked[1]!.answer(NOTHING);
  await done;
});

test("with no time to be good every look-up asks, joined ones apart", async () => {
  const { cache, asked, learn } = stage({ ttl: 0 });
  await learn("ada", { "user.name": "Ada" });
  const found = [cache.lookup(key("ada")), cache.lookup(key("ada"))];
  expect(asked.length).toBe(2);
  asked[1]!.answer(NOTHING);
  expect(await Promise.all(found)).toEqual([NOTHING, NOTHING]);
});

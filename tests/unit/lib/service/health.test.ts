/** Checks that remember: how often they look, what they say of a look that failed or never ended. */
import { expect, test } from "bun:test";
import { CachedCheck, type Health } from "../../../../lib/service/health.ts";

test("many who ask at once, or soon after, cause one look", async () => {
  let looks = 0;
  const check = new CachedCheck(async () => void looks++, 1000, 60_000);
  expect(check.last).toBeUndefined();
  const answers: Health[] = await Promise.all([check.check(), check.check(), check.check()]);
  expect(answers).toEqual(Array.from({ length: 3 }, () => ({ ok: true, time: expect.any(Date) })));
  await check.check();
  expect(looks).toBe(1);
  expect(check.last).toBe(answers[0]!);
});

test("an old answer is looked after again, and what was wrong may be right now", async () => {
  const found: (string | undefined)[] = ["connection refused", undefined];
  const check = new CachedCheck(async () => found.shift(), 1000, 0);
  expect(await check.check()).toMatchObject({ ok: false, error: "connection refused" });
  expect(await check.check()).toMatchObject({ ok: true });
  expect(check.last).not.toHaveProperty("error");
});

test("a look that throws has found something wrong", async () => {
  const check = new CachedCheck(() => Promise.reject(new Error("no route")), 1000);
  expect(await check.check()).toMatchObject({ ok: false, error: "no route" });
});

test("a look that does not end is told to, and is wrong", async () => {
  let aborted = false;
  const endless = (signal: AbortSignal) =>
    new Promise<undefined>(() => signal.addEventListener("abort", () => (aborted = true)));
  const check = new CachedCheck(endless, 5);
  expect(await check.check()).toMatchObject({ ok: false, error: "no answer within 5 ms" });
  expect(aborted).toBe(true);
});

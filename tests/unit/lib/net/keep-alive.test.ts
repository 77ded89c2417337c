import { afterEach, expect, jest, test } from "bun:test";
import { KeepAlive } from "../../../../lib/net/keep-alive.ts";

afterEach(() => void jest.useRealTimers());

function probed() {
  const asked: number[] = [];
  return { asked, keepAlive: (seconds: number) => void asked.push(seconds) };
}

test("only connections that live a while are probed, each once", () => {
  jest.useFakeTimers();
  const keepAlive = new KeepAlive(60);
  const [long, short, later] = [probed(), probed(), probed()];
  keepAlive.add(long);
  keepAlive.add(short);
  keepAlive.remove(short);
  jest.advanceTimersByTime(60_000);
  keepAlive.add(later);
  jest.advanceTimersByTime(60_000);
  expect([long.asked, short.asked, later.asked]).toEqual([[60], [], [60]]);
});

test("0 never probes", () => {
  jest.useFakeTimers();
  const keepAlive = new KeepAlive(0);
  const one = probed();
  keepAlive.add(one);
  jest.advanceTimersByTime(600_000);
  expect(one.asked).toEqual([]);
});

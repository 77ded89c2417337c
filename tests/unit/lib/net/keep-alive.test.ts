/** Probes are for connections that live a while. */
import { afterEach, expect, jest, test } from "bun:test";
import { KeepAlive, Probed } from "../../../../lib/net/keep-alive.ts";

afterEach(() => void jest.useRealTimers());

class Connection extends Probed {
  readonly asked: number[] = [];

  override probeAfter(seconds: number): void {
    this.asked.push(seconds);
  }

  close(): void {
    this.gone();
  }
}

test("weakness 6.2.12: only connections that live a while are probed, each once", () => {
  jest.useFakeTimers();
  const keepAlive = new KeepAlive(60);
  const long = new Connection(keepAlive);
  const short = new Connection(keepAlive);
  short.close();
  jest.advanceTimersByTime(60_000);
  const later = new Connection(keepAlive);
  jest.advanceTimersByTime(60_000);
  expect([long.asked, short.asked, later.asked]).toEqual([[60], [], [60]]);
});

test("a silence that is shorter than youth is not waited for longer", () => {
  jest.useFakeTimers();
  const one = new Connection(new KeepAlive(2));
  jest.advanceTimersByTime(1900);
  expect(one.asked).toEqual([]);
  jest.advanceTimersByTime(200);
  expect(one.asked).toEqual([2]);
});

test("0 never probes", () => {
  jest.useFakeTimers();
  const one = new Connection(new KeepAlive(0));
  jest.advanceTimersByTime(600_000);
  expect(one.asked).toEqual([]);
});

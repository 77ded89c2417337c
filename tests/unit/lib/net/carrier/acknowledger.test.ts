/** Connections that live longer than a moment have what they get acknowledged at once; most are over by then. */
import { expect, test } from "bun:test";
import { Acknowledger } from "../../../../../lib/net/carrier/acknowledger.ts";
import { Carried, Side } from "../../../../../lib/net/carrier/carried.ts";

function world() {
  const told: number[] = [];
  const acknowledger = new Acknowledger({ acknowledgeAtOnce: (fd) => void told.push(fd) });
  /** Acts whenever it asks to, until then. */
  const passUntil = (end: number) => {
    while (acknowledger.at <= end) acknowledger.act(acknowledger.at);
    return told.splice(0);
  };
  const connection = (fd: number, now: number) => {
    const one = new Carried(fd, 0, fd, new Uint8Array(16), now, 0);
    one.target = new Side(fd + 1, one, "upstream", 0);
    acknowledger.add(one, now);
    return one;
  };
  return { acknowledger, passUntil, connection };
}

test("both sockets of one that is still there, once, within twice the moment", () => {
  const { passUntil, connection } = world();
  const first = connection(10, 100);
  expect(passUntil(105)).toEqual([]);
  connection(20, 106);
  expect(first.settled).toBe(false);
  expect(passUntil(120)).toEqual([10, 11, 20, 21]);
  expect(first.settled).toBe(true);
  expect(passUntil(10_000)).toEqual([]);
});

test("the client alone where there is no target yet", () => {
  const { passUntil, connection } = world();
  connection(10, 100).target = undefined;
  expect(passUntil(200)).toEqual([10]);
});

test("one that is over has nothing done to it: its descriptors may be others' by now", () => {
  const { acknowledger, passUntil, connection } = world();
  const one = connection(10, 100);
  connection(20, 101);
  one.closed = true;
  expect(passUntil(200)).toEqual([20, 21]);
  expect(acknowledger.at).toBe(Infinity);
});

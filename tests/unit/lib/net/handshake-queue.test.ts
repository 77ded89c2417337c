/** The queue of handshakes: who begins at once, who waits, and in which order. */
import { expect, test } from "bun:test";
import { HandshakeQueue } from "../../../../lib/net/handshake-queue.ts";

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("who finds nobody waiting begins at once, up to the number of a turn", async () => {
  const queue = new HandshakeQueue(2);
  expect([queue.turn(), queue.turn()]).toEqual([undefined, undefined]);
  expect(queue.turn()).toBeInstanceOf(Promise);
  expect(queue.waiting).toBe(1);
  await nextTurn();
  expect(queue.waiting).toBe(0);
});

test("those who wait begin in order, so many in each turn", async () => {
  const queue = new HandshakeQueue(2);
  const begun: number[] = [];
  for (let i = 0; i < 7; i++) void (queue.turn() ?? Promise.resolve()).then(() => begun.push(i));
  const seen: number[] = [];
  for (let turn = 0; turn < 4; turn++) {
    await Promise.resolve();
    seen.push(begun.length);
    await nextTurn();
  }
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(seen).toEqual([2, 4, 6, 7]);
});

test("who comes later does not overtake those who wait, though the turn is new", async () => {
  const queue = new HandshakeQueue(1);
  const begun: string[] = [];
  const ask = (name: string) => void (queue.turn() ?? Promise.resolve()).then(() => begun.push(name));
  for (const name of ["first", "second", "third"]) ask(name);
  await nextTurn();
  ask("late");
  while (queue.waiting > 0) await nextTurn();
  await Promise.resolve();
  expect(begun).toEqual(["first", "second", "third", "late"]);
});

test("after a pause all is as in the beginning", async () => {
  const queue = new HandshakeQueue(1);
  expect(queue.turn()).toBeUndefined();
  await nextTurn();
  await nextTurn();
  expect(queue.turn()).toBeUndefined();
});

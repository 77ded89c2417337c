/** Who gets a place, who waits, who is turned away, and that places and descriptors come back. */
import { describe, expect, test } from "bun:test";
import { Descriptors, WaitingRoom } from "../../../../lib/service/waiting-room.ts";
import { until } from "../../../support/until.ts";
import { FakeConn } from "../../lib/net/fake-conn.ts";

/** A room, and the names of those who were let in. */
function room(most: number, descriptors = new Descriptors(1000), each = 2) {
  const started: string[] = [];
  const it = new WaitingRoom(most, descriptors, each);
  const enter = (name: string) => {
    const conn = new FakeConn();
    return { conn, taken: it.enter(conn, () => started.push(name)) };
  };
  return { room: it, started, enter };
}

describe("places", () => {
  test("the third of two waits, unread, and comes when one leaves", () => {
    const { room: it, started, enter } = room(2);
    enter("a");
    enter("b");
    const { conn, taken } = enter("c");
    expect([taken, started, it.waiting, conn.calls]).toEqual([true, ["a", "b"], 1, ["pause"]]);
    it.leave();
    expect([started, it.waiting, conn.calls]).toEqual([["a", "b", "c"], 0, ["pause", "resume"]]);
  });

  test("come in the order of arrival, one for one", () => {
    const { room: it, started, enter } = room(1);
    for (const name of ["a", "b", "c", "d"]) enter(name);
    it.leave();
    expect(started).toEqual(["a", "b"]);
    it.leave();
    it.leave();
    expect(started).toEqual(["a", "b", "c", "d"]);
    it.leave();
    enter("e");
    enter("f");
    expect([started.at(-1), it.waiting]).toEqual(["e", 1]);
  });

  test("are not wasted on who is gone", () => {
    const { room: it, started, enter } = room(1);
    enter("a");
    enter("b").conn.close();
    enter("c");
    it.leave();
    expect([started, it.waiting]).toEqual([["a", "c"], 0]);
  });

  test("at the close those who wait are cut, and nobody comes any more", () => {
    const { room: it, started, enter } = room(1);
    enter("a");
    const { conn } = enter("b");
    it.close();
    expect([conn.closed, it.waiting, enter("c").taken]).toEqual([true, 0, false]);
    it.leave();
    expect(started).toEqual(["a"]);
  });
});

describe("descriptors: two for a session, one for who waits", () => {
  test("bound the sessions, then those who wait", () => {
    const { started, enter } = room(1000, new Descriptors(7));
    const taken = Array.from({ length: 6 }, (_, i) => enter(String(i)).taken);
    expect([started, taken]).toEqual([
      ["0", "1", "2"],
      [true, true, true, true, false, false],
    ]);
  });

  test("come back in full, however sessions and waiting ended", () => {
    const { room: it, started, enter } = room(2, new Descriptors(6));
    for (let round = 0; round < 50; round++) {
      started.length = 0;
      enter("a");
      enter("b");
      const gone = enter("c");
      enter("d");
      expect(enter("e").taken).toBe(false);
      gone.conn.close();
      for (let left = 0; left < 3; left++) it.leave();
      expect([started, it.waiting]).toEqual([["a", "b", "d"], 0]);
    }
  });

  test("of those who gave up waiting are free for who comes", () => {
    const { started, enter } = room(1, new Descriptors(4));
    enter("a");
    enter("b").conn.close();
    enter("c").conn.close();
    expect([enter("d").taken, enter("e").taken, started]).toEqual([true, true, ["a"]]);
  });

  test("are those of the process: rooms share them, and who waits in one comes when a session of another ends", () => {
    const descriptors = new Descriptors(5);
    const [one, other] = [room(1000, descriptors), room(1000, descriptors)];
    one.enter("a");
    one.enter("b");
    other.enter("c");
    expect([other.enter("d").taken, one.started, other.started]).toEqual([false, ["a", "b"], []]);
    one.room.leave();
    expect(other.started).toEqual(["c"]);
    one.room.close();
    one.room.leave();
    expect([other.enter("d").taken, other.started]).toEqual([true, ["c", "d"]]);
  });

  test("are as many for a session as its room says", () => {
    const descriptors = new Descriptors(9);
    const [dear, cheap] = [room(1000, descriptors, 4), room(1000, descriptors, 2)];
    expect([dear.enter("a").taken, dear.enter("b").taken, dear.enter("c").taken]).toEqual([true, true, true]);
    expect([dear.started, dear.room.waiting, cheap.enter("d").taken]).toEqual([["a", "b"], 1, false]);
    dear.room.leave();
    expect([dear.started, cheap.enter("d").taken, cheap.started]).toEqual([["a", "b", "c"], true, []]);
  });

  test("that the system has not given back are waited for", async () => {
    let lost = 5;
    const { started, enter } = room(1000, new Descriptors(7, () => lost));
    expect([enter("a").taken, enter("b").taken, started]).toEqual([true, false, ["a"]]);
    lost = 4;
    expect([enter("c").taken, started]).toEqual([true, ["a"]]);
    lost = 0;
    await until("the one who waits", () => started.length === 2);
  });

  test("of a room that many wait in for a place are not kept from the others", () => {
    const descriptors = new Descriptors(8);
    const [full, other] = [room(1, descriptors), room(1000, descriptors)];
    for (const name of ["a", "b", "c", "d"]) full.enter(name);
    other.enter("e");
    other.enter("f");
    expect([full.started, full.room.waiting, other.started, other.room.waiting]).toEqual([["a"], 3, ["e"], 1]);
    full.room.leave();
    expect([full.started, other.started]).toEqual([
      ["a", "b"],
      ["e", "f"],
    ]);
  });
});

test("complaints come once in a while", () => {
  const { room: it } = room(1);
  expect([it.mayComplain(), it.mayComplain()]).toEqual([true, false]);
});

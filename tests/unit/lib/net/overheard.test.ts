/** A connection is overheard as long as somebody listens, and nothing of it is changed. */
import { expect, test } from "bun:test";
import type { ConnEvents } from "../../../../lib/net/conn.ts";
import { Overheard } from "../../../../lib/net/overheard.ts";
import { FakeConn } from "./fake-conn.ts";

test("chunks come to both, until nobody listens", () => {
  const conn = new FakeConn();
  const heard: number[] = [];
  const got: (number | string)[] = [];
  const events: ConnEvents = {
    data: (chunk) => got.push(chunk.length),
    drain: () => got.push("drain"),
    end: () => got.push("end"),
    close: () => got.push("close"),
  };
  const overheard = new Overheard(conn, (chunk) => heard.push(chunk.length) < 2);
  overheard.attach(events);
  const send = (size: number) => conn.events!.data(new Uint8Array(size));
  send(1);
  conn.events!.drain();
  expect(conn.events!).not.toBe(events);
  send(2);
  expect(conn.events!).toBe(events);
  send(3);
  conn.events!.end();
  expect(heard).toEqual([1, 2]);
  expect(got).toEqual([1, "drain", 2, 3, "end"]);
  overheard.write(new Uint8Array(4));
  expect([overheard.sent, overheard.closed, overheard.remote]).toEqual([conn.sent, conn.closed, conn.remote]);
  overheard.destroy();
  expect(conn.closed).toBe(true);
});

/** What comes before anybody listens. */
import { expect, test } from "bun:test";
import { IGNORE } from "../../../../lib/net/conn.ts";
import { ReceiveBuffer } from "../../../../lib/net/receive-buffer.ts";
import { Notes } from "./support.ts";

function begin() {
  const calls: string[] = [];
  const conn = { pause: () => void calls.push("pause"), resume: () => void calls.push("resume") };
  return { buffer: new ReceiveBuffer(conn), calls };
}

test("keeps what comes in order, paused with each chunk", () => {
  const { buffer, calls } = begin();
  buffer.data(Buffer.from("a"));
  expect(calls).toEqual(["pause"]);
  buffer.data(Buffer.from("b"));
  calls.length = 0;
  const notes = new Notes();
  buffer.release(notes);
  expect(notes.text).toBe("ab");
  expect(calls).toEqual(["resume"]);
});

test("gives all of it in one piece, behind which a receiver may read the socket by itself", () => {
  const { buffer } = begin();
  for (const text of ["a", "b", "c"]) buffer.data(Buffer.from(text));
  const pieces: string[] = [];
  buffer.release({ ...IGNORE, data: (chunk) => void pieces.push(Buffer.from(chunk).toString()) });
  expect(pieces).toEqual(["abc"]);
});

test("one that gives to another is paused in the end", () => {
  const { buffer, calls } = begin();
  buffer.data(Buffer.from("a"));
  const next = new ReceiveBuffer({ pause: () => void calls.push("pause"), resume: () => void calls.push("resume") });
  next.data(Buffer.from("before"));
  buffer.release(next);
  expect(calls.at(-1)).toBe("pause");
  const notes = new Notes();
  next.release(notes);
  expect(notes.text).toBe("beforea");
});

test("tells the end behind the bytes", () => {
  const { buffer, calls } = begin();
  buffer.end();
  const notes = new Notes();
  buffer.release(notes);
  expect(notes.events).toEqual(["end"]);
  expect(calls).toEqual([]);
});

test("neither keeps a drain nor a close: the connection knows them", () => {
  const { buffer } = begin();
  buffer.drain();
  buffer.close();
  const notes = new Notes();
  buffer.release(notes);
  expect(notes.events).toEqual([]);
});

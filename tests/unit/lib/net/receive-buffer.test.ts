/** What comes before anybody listens. */
import { expect, test } from "bun:test";
import { ReceiveBuffer } from "../../../../lib/net/receive-buffer.ts";
import { Notes } from "./support.ts";

function begin() {
  const calls: string[] = [];
  const conn = { pause: () => void calls.push("pause"), resume: () => void calls.push("resume") };
  return { buffer: new ReceiveBuffer(conn), calls };
}

test("keeps what comes in order, paused from the first chunk on", () => {
  const { buffer, calls } = begin();
  buffer.data(Buffer.from("a"));
  buffer.data(Buffer.from("b"));
  expect(calls).toEqual(["pause"]);
  const notes = new Notes();
  buffer.release(notes);
  expect(notes.text).toBe("ab");
  expect(calls).toEqual(["pause", "resume"]);
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

/** What comes before anybody listens. */
import { expect, test } from "bun:test";
import { Held } from "../../../../lib/net/held.ts";
import { Notes } from "./support.ts";

function held() {
  const calls: string[] = [];
  const conn = { pause: () => void calls.push("pause"), resume: () => void calls.push("resume") };
  return { held: new Held(conn), calls };
}

test("keeps what comes in order, paused from the first chunk on", () => {
  const { held: waiting, calls } = held();
  waiting.data(Buffer.from("a"));
  waiting.data(Buffer.from("b"));
  expect(calls).toEqual(["pause"]);
  const notes = new Notes();
  waiting.release(notes);
  expect(notes.text).toBe("ab");
  expect(calls).toEqual(["pause", "resume"]);
});

test("tells the end behind the bytes", () => {
  const { held: waiting, calls } = held();
  waiting.end();
  const notes = new Notes();
  waiting.release(notes);
  expect(notes.events).toEqual(["end"]);
  expect(calls).toEqual([]);
});

test("neither keeps a drain nor a close: the connection knows them", () => {
  const { held: waiting } = held();
  waiting.drain();
  waiting.close();
  const notes = new Notes();
  waiting.release(notes);
  expect(notes.events).toEqual([]);
});

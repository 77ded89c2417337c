/** The driver of prefaces, on a connection without a socket: what it writes, when it is over, and whom what comes next belongs to. */
import { describe, expect, test } from "bun:test";
import { Deadlines } from "../../../../lib/net/deadlines.ts";
import { runPreface, type PrefaceOutcome } from "../../../../lib/net/preface.ts";
import type { Preface, PrefaceStep } from "../../../../lib/session/preface.ts";
import { FakeConn } from "./fake-conn.ts";
import { Notes } from "./support.ts";

type Step = PrefaceStep<string, "no">;

/** Says hello; comes to `value` at `!`, fails at `?`, and answers anything else. */
class Echo implements Preface<string, "no"> {
  start(): Step[] {
    return [{ type: "send", bytes: Buffer.from("hello") }];
  }

  receive(bytes: Uint8Array): Step[] {
    const text = Buffer.from(bytes).toString();
    const at = text.search(/[!?]/);
    if (at === -1) return [{ type: "send", bytes }];
    if (text[at] === "?") return [{ type: "fail", code: "no", reason: "because", bytes: Buffer.from("bye") }];
    const done: Step = { type: "done", value: text.slice(0, at), rest: Buffer.from(text.slice(at + 1)) };
    return [{ type: "send", bytes: Buffer.from("last") }, done];
  }

  ended(): Exclude<Step, { type: "send" }> {
    return { type: "done", value: "ended", rest: Buffer.from("held") };
  }
}

function begin(conn = new FakeConn(), ms = 0) {
  const outcome = runPreface(conn, new Echo(), new Deadlines(ms));
  return { conn, outcome };
}

function early(outcome: PrefaceOutcome<string, "no">): [string, boolean] {
  if (!outcome.ok) throw new Error(outcome.reason);
  return [Buffer.from(outcome.early.bytes).toString(), outcome.early.ended];
}

test("says what the preface says, and answers what it came to with what came behind", async () => {
  const { conn, outcome } = begin();
  conn.data("a");
  conn.data("b!rest");
  const found = await outcome;
  expect(found).toMatchObject({ ok: true, value: "b" });
  expect(early(found)).toEqual(["rest", false]);
  expect(conn.written).toEqual(["hello", "a", "last"]);
  expect(conn.calls).toEqual([]);
});

test("what comes afterwards is kept for the next receiver, the end included", async () => {
  const { conn, outcome } = begin();
  conn.data("!");
  conn.data("one");
  conn.data("two");
  conn.events!.end();
  await outcome;
  expect(conn.written).toEqual(["hello", "last"]);
  const notes = new Notes();
  conn.attach(notes);
  expect([notes.text, notes.ended]).toEqual(["onetwo", true]);
  expect(new Set(conn.calls)).toEqual(new Set(["pause", "resume"]));
  expect(conn.calls.at(-1)).toBe("resume");
});

test("an end that the preface takes is told with what it came to", async () => {
  const { conn, outcome } = begin();
  conn.events!.end();
  expect(early(await outcome)).toEqual(["held", true]);
});

describe("it comes to nothing", () => {
  test("where the preface says so; the caller has the last words", async () => {
    const { conn, outcome } = begin();
    conn.data("?");
    expect(await outcome).toEqual({ ok: false, code: "no", reason: "because", bytes: Buffer.from("bye") });
    expect(conn.written).toEqual(["hello"]);
    expect(conn.closed).toBe(false);
  });

  test("where the connection closes, with the system's word for it", async () => {
    const { conn, outcome } = begin();
    conn.close(Object.assign(new Error("x"), { code: "ECONNRESET" }));
    expect(await outcome).toEqual({ ok: false, code: "closed", reason: "the peer closed the connection (ECONNRESET)" });
  });

  test("where the deadline passes; what comes later is not read", async () => {
    const { conn, outcome } = begin(new FakeConn(), 5);
    expect(await outcome).toEqual({ ok: false, code: "timeout", reason: "the deadline is over" });
    conn.data("late");
    expect(conn.written).toEqual(["hello"]);
    expect(conn.calls).toEqual(["pause"]);
    expect(conn.closed).toBe(false);
  });
});
